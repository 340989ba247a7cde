/**
 * One request to the application for whoever waits for its answer, and its body on the way to many: each
 * reads at its own pace, and none of them going away ends it for the others.
 */
import { internalError, type ProxyContext } from '#proxy/context.ts';
import type { DownstreamInfo } from '#proxy/downstream/connection.ts';
import { BrokenBody } from '#proxy/http/reply.ts';
import type { Request } from '#proxy/http/request.ts';
import type { Response } from '#proxy/http/response.ts';
import type { Swept } from '#proxy/sweeper.ts';
import type { Cluster, ResponseUser, UpstreamFailure } from '#proxy/upstream/cluster.ts';
import type { UpstreamConnection } from '#proxy/upstream/connection.ts';
import { UpstreamRequest } from '#proxy/upstream/request.ts';

/** What became of the request, once a head or the lack of one is known. */
export type FillResult<Head> =
  | { readonly kind: 'head'; readonly head: Head }
  | { readonly kind: 'failure'; readonly failure: UpstreamFailure };

/** Whose fill it is: decides what its response means, and hears of its end. */
export interface FillOwner<Head> {
  /**
   * The final response has begun.
   * @returns what those who wait are told, whether its body is kept whole, and its length where that is known
   */
  onHead(response: Response): { readonly head: Head; readonly keep: boolean; readonly length: number | undefined };
  /** Room for more of a body that is kept. @returns false when there is none: it is kept no longer */
  onGrow(bytes: number): boolean;
  /** So many bytes more, or less, of a body that is not kept wait for its readers. @returns false to read no further */
  onHold(bytes: number): boolean;
  /** A body that was kept is complete. @param body nobody else's memory */
  onWhole(body: Buffer): void;
  /** It will not be whole, or is no longer kept: nobody else may join. */
  onDropped(): void;
  /** It is over, well or badly. */
  onOver(result: FillResult<Head>): void;
  /** Interim responses (1xx). */
  onInterim(response: Response): void;
}

/** So far ahead of its slowest reader is a body read that is not kept, in bytes. */
const AHEAD = 512 * 1024;

interface Reader {
  /** The index of its next chunk, from the body's beginning. */
  at: number;
  /** Bytes that it has taken. */
  taken: number;
  /** It kept the others waiting for too long. */
  cut: boolean;
}

/** So long, all together, may its slowest reader keep the others of a body waiting, in milliseconds. */
const MAX_STALL = 1000;

export interface FillOptions {
  readonly context: ProxyContext;
  readonly cluster: Cluster;
  readonly downstream: DownstreamInfo;
  readonly request: Request;
  /** How long the response may take to begin, in milliseconds. */
  readonly timeout: number;
}

export class Fill<Head> implements ResponseUser, Swept {
  readonly requestDone = true;
  /** Resolves once; never rejects. */
  readonly result: Promise<FillResult<Head>>;
  readonly #context: ProxyContext;
  readonly #owner: FillOwner<Head>;
  readonly #upstream: UpstreamRequest;
  readonly #resolve: (result: FillResult<Head>) => void;
  #known: FillResult<Head> | undefined;
  #keep = true;
  #over = false;
  #failure: UpstreamFailure | undefined;
  /** The body since chunk `#first`. */
  readonly #chunks: Buffer[] = [];
  #first = 0;
  #length = 0;
  /** Of a body whose length is known: where all of it goes, so that it lies in memory once. */
  #whole: Buffer | undefined;
  #paused = false;
  /** How long readers have waited for slower ones, in milliseconds. */
  #stalled = 0;
  #sweptAt = 0;
  readonly #readers = new Set<Reader>();
  /** Those who asked for the body before it began. */
  #expected = 0;
  #more: PromiseWithResolvers<void> | undefined;

  constructor(options: FillOptions, owner: FillOwner<Head>) {
    const { promise, resolve } = Promise.withResolvers<FillResult<Head>>();
    this.result = promise;
    this.#resolve = resolve;
    this.#context = options.context;
    this.#owner = owner;
    const { context, ...rest } = options;
    this.#upstream = new UpstreamRequest(context, this, { ...rest, sendsChunks: false });
  }

  begin(): void {
    this.#context.sweeper.add(this);
    this.#sweptAt = this.#context.sweeper.now;
    this.#upstream.begin('');
  }

  /** What became of it, once that is known. */
  get known(): FillResult<Head> | undefined {
    return this.#known;
  }

  /** Its body is, or will be, in memory as a whole. */
  get keeps(): boolean {
    return this.#keep;
  }

  /** Its body broke off. */
  get broken(): boolean {
    return this.#failure !== undefined;
  }

  /** Keep the body no longer; those who read it go on. */
  drop(): void {
    if (!this.#keep) return;
    this.#keep = false;
    this.#owner.onDropped();
    this.#owner.onHold(this.#chunks.reduce((sum, { length }) => sum + length, 0));
    this.#forget();
  }

  /** End it; whoever reads the body is cut off. */
  cancel(): void {
    if (this.#over) return;
    this.#upstream.cancel();
    this.#end('closed');
  }

  /** Somebody will read the body: it is not thrown away meanwhile. Followed by `read` or `release`. */
  expect(): void {
    this.#expected++;
  }

  /** Who was expected will not read it. */
  release(): void {
    this.#expected--;
    this.#forget();
    this.#lookForReaders();
  }

  /**
   * The body from its beginning, as it comes, for somebody who was expected.
   * @throws {BrokenBody} when it breaks off
   */
  async *read(): AsyncGenerator<Buffer, void, undefined> {
    if (this.#first > 0) throw new Error('the beginning of the body is gone');
    const reader: Reader = { at: 0, taken: 0, cut: false };
    this.#readers.add(reader);
    this.#expected--;
    try {
      for (;;) {
        while (!reader.cut && reader.at < this.#first + this.#chunks.length) {
          const chunk = this.#chunks[reader.at - this.#first]!;
          reader.at++;
          reader.taken += chunk.length;
          this.#forget();
          yield chunk;
        }
        if (reader.cut) throw new BrokenBody('body_timeout');
        if (this.#failure !== undefined) throw new BrokenBody(this.#failure);
        if (this.#over) return;
        this.#more ??= Promise.withResolvers<void>();
        await this.#more.promise;
      }
    } finally {
      this.#readers.delete(reader);
      this.#forget();
      this.#lookForReaders();
    }
  }

  #copy(bytes: Buffer): Buffer {
    const at = this.#length;
    if (this.#whole === undefined || at + bytes.length > this.#whole.length) return Buffer.from(bytes);
    bytes.copy(this.#whole, at);
    return this.#whole.subarray(at, at + bytes.length);
  }

  #joined(): Buffer {
    if (this.#whole?.length === this.#length) return this.#whole;
    const whole = Buffer.allocUnsafeSlow(this.#length);
    let at = 0;
    // Those who still read it need no second copy.
    for (const [index, chunk] of this.#chunks.entries()) {
      const end = at + chunk.copy(whole, at);
      this.#chunks[index] = whole.subarray(at, end);
      at = end;
    }
    return whole;
  }

  #wake(): void {
    this.#more?.resolve();
    this.#more = undefined;
  }

  /** Of a body that is not kept: what all have read is let go, and more is read. */
  #forget(): void {
    if (this.#keep) return;
    let slowest = Infinity;
    let taken = Infinity;
    for (const reader of this.#readers) {
      slowest = Math.min(slowest, reader.at);
      taken = Math.min(taken, reader.taken);
    }
    if (this.#expected > 0) return;
    const gone = Math.min(slowest, this.#first + this.#chunks.length) - this.#first;
    if (gone > 0) {
      for (const { length } of this.#chunks.splice(0, gone)) this.#owner.onHold(-length);
      this.#first += gone;
    }
    // Where memory is short, a body goes on chunk by chunk.
    if (this.#paused && (this.#chunks.length === 0 || (this.#length - taken < AHEAD && this.#owner.onHold(0)))) {
      this.#paused = false;
      this.#upstream.resume();
    }
  }

  /** Nobody reads, and nothing is kept: it need not go on. */
  #lookForReaders(): void {
    if (this.#known?.kind === 'head' && !this.#keep && this.#readers.size === 0 && this.#expected === 0) this.cancel();
  }

  #know(result: FillResult<Head>): void {
    if (this.#known !== undefined) return;
    this.#known = result;
    this.#resolve(result);
  }

  #end(failure: UpstreamFailure | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#failure = failure;
    this.#context.sweeper.remove(this);
    this.#know({ kind: 'failure', failure: failure ?? 'closed' });
    if (failure !== undefined) this.drop();
    this.#owner.onOver(this.#known!);
    this.#wake();
  }

  // The upstream request's calls.

  onUpstreamConnect(): void {}

  onUpstreamInterim(response: Response): void {
    if (response.status !== 100) this.#owner.onInterim(response);
  }

  onUpstreamResponse(response: Response): void {
    response.dechunk();
    const { head, keep, length } = this.#owner.onHead(response);
    response.detach();
    if (keep && length !== undefined && length > 0) this.#whole = Buffer.allocUnsafeSlow(length);
    if (!keep) {
      this.#keep = false;
      this.#owner.onDropped();
    }
    this.#know({ kind: 'head', head });
  }

  onUpstreamData(bytes: Buffer, start: number, end: number): boolean {
    if (end === start) return true;
    this.#chunks.push(this.#copy(bytes.subarray(start, end)));
    this.#length += end - start;
    if (this.#keep && !this.#owner.onGrow(end - start)) {
      this.drop();
      // It has counted this part, too.
      this.#owner.onHold(start - end);
    }
    this.#wake();
    if (this.#keep) return true;
    const room = this.#owner.onHold(end - start);
    let taken = this.#readers.size === 0 ? 0 : this.#length;
    for (const reader of this.#readers) taken = Math.min(taken, reader.taken);
    this.#paused = !room || this.#length - taken > AHEAD;
    return !this.#paused;
  }

  onUpstreamEnd(): void {
    if (this.#keep) this.#owner.onWhole(this.#joined());
    this.#end(undefined);
  }

  onUpstreamSwitch(_response: Response, _rest: Buffer, connection: UpstreamConnection): void {
    // Nobody has asked for another protocol.
    connection.destroy();
    this.#end('invalid_response');
  }

  onUpstreamFailure(failure: UpstreamFailure): void {
    this.#end(failure);
  }

  onUpstreamDrain(): void {}

  onInternalError(error: unknown): void {
    internalError(this.#context, error);
    this.#upstream.cancel();
    this.#end('closed');
  }

  sweep(now: number): void {
    this.#upstream.sweep(now);
    this.#cutSlow(now - this.#sweptAt);
    this.#sweptAt = now;
  }

  /** Others wait for a part of the body that the slowest readers keep from coming: those lose theirs. */
  #cutSlow(passed: number): void {
    const end = this.#first + this.#chunks.length;
    if (!this.#paused || this.#over || this.#readers.size < 2) return;
    if (![...this.#readers].some(({ at }) => at === end)) return;
    this.#stalled += passed;
    if (this.#stalled < MAX_STALL) return;
    this.#stalled = 0;
    for (const reader of this.#readers)
      if (reader.at < end) {
        reader.cut = true;
        this.#readers.delete(reader);
      }
    this.#wake();
    this.#forget();
  }
}

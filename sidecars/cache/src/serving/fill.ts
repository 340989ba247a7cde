/**
 * One request to the application for all who wait for its answer, and its body on the way to many: each
 * reads at its own pace, and when one goes away the others still get it.
 */
import type { ProxyContext } from '#proxy/exchange/context.ts';
import { internalError } from '#proxy/upstream/context.ts';
import type { DownstreamInfo } from '#proxy/sockets/connection.ts';
import type { Request } from '#proxy/http/request.ts';
import type { Response } from '#proxy/http/response.ts';
import type { Swept } from '#proxy/loop/sweeper.ts';
import type { Cluster, ResponseUser } from '#proxy/upstream/cluster.ts';
import type { UpstreamFailure } from '#proxy/http/upstream-failure.ts';
import type { UpstreamConnection } from '#proxy/upstream/connection.ts';
import { UpstreamRequest } from '#proxy/upstream/request.ts';
import { SharedBody } from './shared-body.ts';

/** What became of the request, once a head or the lack of one is known. */
export type FillResult<Head> =
  | { readonly kind: 'head'; readonly head: Head }
  | { readonly kind: 'failure'; readonly failure: UpstreamFailure };

/** Whose fill it is: decides what its response means, and hears of its end. */
export interface FillOwner<Head> {
  /**
   * The final response has begun.
   * @returns what those who wait are told, whether its body is kept whole, and its length where that is known: then there
   * is room for all of it
   */
  onHead(response: Response): { readonly head: Head; readonly keep: boolean; readonly length: number | undefined };
  /** Room for more of a body that is kept and whose length is not known. @returns false when there is none: it is kept no longer */
  onGrow(bytes: number): boolean;
  /** A body that was kept is complete. @param body nobody else's memory */
  onWhole(body: Buffer): void;
  /** It will not be whole, or is no longer kept: nobody else may join. */
  onDropped(): void;
  /** It is over, well or badly. */
  onOver(result: FillResult<Head>): void;
  /** Interim responses (1xx). */
  onInterim(response: Response): void;
}

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
  #over = false;
  #hasRoom = false;
  #sweptAt = 0;
  readonly #body: SharedBody;

  constructor(options: FillOptions, owner: FillOwner<Head>) {
    const { promise, resolve } = Promise.withResolvers<FillResult<Head>>();
    this.result = promise;
    this.#resolve = resolve;
    this.#context = options.context;
    this.#owner = owner;
    const { context, ...rest } = options;
    this.#body = new SharedBody({
      onResume: () => this.#upstream.resume(),
      onLeft: () => this.#lookForReaders(),
      shed: () => this.cancel(),
    });
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

  /** See SharedBody. */
  get keeps(): boolean {
    return this.#body.keeps;
  }
  get broken(): boolean {
    return this.#body.broken;
  }
  expect(): void {
    this.#body.expect();
  }
  release(): void {
    this.#body.release();
  }
  read(): AsyncGenerator<Buffer, void, undefined> {
    return this.#body.read();
  }

  /** End it; the readers of the body are cut off. */
  cancel(): void {
    if (this.#over) return;
    this.#upstream.cancel();
    this.#end('closed');
  }

  /** Keep the body no longer; those who read it go on. */
  #drop(): void {
    if (!this.#body.keeps) return;
    this.#owner.onDropped();
    this.#body.drop();
  }

  /** Nobody reads, and nothing is kept: it need not go on. */
  #lookForReaders(): void {
    if (this.#known?.kind === 'head' && !this.#body.keeps && this.#body.unread) this.cancel();
  }

  #know(result: FillResult<Head>): void {
    if (this.#known !== undefined) return;
    this.#known = result;
    this.#resolve(result);
  }

  #end(failure: UpstreamFailure | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#context.sweeper.remove(this);
    this.#know({ kind: 'failure', failure: failure ?? 'closed' });
    if (failure !== undefined) this.#drop();
    this.#owner.onOver(this.#known!);
    this.#body.end(failure);
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
    this.#hasRoom = length !== undefined;
    if (keep && length !== undefined && length > 0) this.#body.allocate(length);
    if (!keep) this.#drop();
    this.#know({ kind: 'head', head });
  }

  onUpstreamData(bytes: Buffer, start: number, end: number): boolean {
    if (end === start) return true;
    const grown = !this.#body.keeps || this.#hasRoom || this.#owner.onGrow(end - start);
    this.#body.push(bytes.subarray(start, end));
    if (!grown) this.#drop();
    return this.#body.ready;
  }

  onUpstreamEnd(): void {
    if (this.#body.keeps) this.#owner.onWhole(this.#body.joined());
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
    this.#body.cutSlow(now - this.#sweptAt);
    this.#sweptAt = now;
  }
}

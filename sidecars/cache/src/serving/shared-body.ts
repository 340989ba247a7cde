/**
 * The body of one response on its way to many: each reads at its own pace. A body that is kept lies in memory as a
 * whole; of another one only what its slowest reader has not taken yet does.
 */
import { memoryBudget, MemoryClaim, type MemoryOwner } from '#proxy/memory/budget.ts';
import { BrokenBody } from '#proxy/http/reply.ts';
import { bodyTurns } from './body-turns.ts';
import type { UpstreamFailure } from '#proxy/http/upstream-failure.ts';

/** So far ahead of its slowest reader is a body read that is not kept, in bytes. */
const AHEAD = 512 * 1024;
/** What the application's connection keeps for a body that is not read on, in bytes. */
const CONNECTION = 96 * 1024;
/** So long, all together, may its slowest reader keep the others of a body waiting, in milliseconds. */
const MAX_STALL = 1000;

interface Reader {
  /** The index of its next chunk, from the body's beginning. */
  at: number;
  /** Bytes that it has taken. */
  taken: number;
  /** It kept the others waiting for too long. */
  cut: boolean;
}

export interface SharedBodyOwner {
  /** More of it may come. */
  onResume(): void;
  /** A reader has gone. */
  onLeft(): void;
  /** Memory is short, and this is what takes most of it: it has to end. */
  shed(): void;
}

export class SharedBody implements MemoryOwner {
  readonly #owner: SharedBodyOwner;
  #keep = true;
  #over = false;
  #failure: UpstreamFailure | undefined;
  /** The body since chunk `#first`. */
  readonly #chunks: Buffer[] = [];
  #first = 0;
  #length = 0;
  /** Of a body whose length is known: where all of it goes, so that it lies in memory once. */
  #whole: Buffer | undefined;
  /** Of a body that was kept in one piece: the index after its parts, and their bytes while a reader has one of them. */
  #pieceEnd = 0;
  #piece = 0;
  /** It is so far ahead of its slowest reader, or memory is so short, that no more of it should come. */
  #paused = false;
  /** It waits for a later turn of the event loop. */
  #queued = false;
  readonly #claim = new MemoryClaim(memoryBudget, this);
  #held = 0;
  /** How long readers have waited for slower ones, in milliseconds. */
  #stalled = 0;
  readonly #readers = new Set<Reader>();
  /** Those who asked for the body before it began. */
  #expected = 0;
  #more: PromiseWithResolvers<void> | undefined;

  constructor(owner: SharedBodyOwner) {
    this.#owner = owner;
  }

  /** It is, or will be, in memory as a whole. */
  get keeps(): boolean {
    return this.#keep;
  }

  /** It broke off. */
  get broken(): boolean {
    return this.#failure !== undefined;
  }

  /** Nobody reads it, or will. */
  get unread(): boolean {
    return this.#readers.size === 0 && this.#expected === 0;
  }

  /** Somebody will read it: it is not thrown away meanwhile. Followed by `read` or `release`. */
  expect(): void {
    this.#expected++;
  }

  /** Who was expected will not read it. */
  release(): void {
    this.#expected--;
    this.#forget();
    this.#owner.onLeft();
  }

  /** Its length is known: all of it lies in one piece. */
  allocate(length: number): void {
    this.#whole = Buffer.allocUnsafeSlow(length);
  }

  /** Keep it no longer; those who read it go on. */
  drop(): void {
    if (!this.#keep) return;
    this.#keep = false;
    // What comes from now on is let go part by part; what lies in one piece, together.
    this.#pieceEnd = this.#whole === undefined ? 0 : this.#first + this.#chunks.length;
    this.#piece = this.#whole === undefined ? 0 : this.#length;
    this.#whole = undefined;
    const parts = this.#chunks.reduce((sum, { length }) => sum + length, 0);
    this.#hold((this.#piece || parts) + (this.#over ? 0 : CONNECTION));
    this.#forget();
  }

  /** A part of it, which is copied. */
  push(bytes: Buffer): void {
    this.#chunks.push(this.#copy(bytes));
    this.#length += bytes.length;
    bodyTurns.spend(bytes.length);
    if (!this.#keep) this.#hold(bytes.length);
    this.#wake();
  }

  /** Whether more of it should come now; otherwise `onResume` tells when. */
  get ready(): boolean {
    this.#queued = !bodyTurns.admit(this.#onTurn);
    return !this.#tooFar() && !this.#queued;
  }

  readonly #onTurn = (): void => {
    this.#queued = false;
    if (!this.#paused) this.#owner.onResume();
  };

  #tooFar(): boolean {
    if (this.#keep) return false;
    let taken = this.#readers.size === 0 ? 0 : this.#length;
    for (const reader of this.#readers) taken = Math.min(taken, reader.taken);
    this.#paused = memoryBudget.full || this.#length - taken > AHEAD;
    return this.#paused;
  }

  /** It is over. @param failure why it broke off */
  end(failure: UpstreamFailure | undefined): void {
    if (!this.#keep && !this.#over) this.#hold(-CONNECTION);
    bodyTurns.leave(this.#onTurn);
    this.#over = true;
    this.#failure = failure;
    this.#wake();
  }

  /** All of a body that was kept, in memory of nobody else's. */
  joined(): Buffer {
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
        if (reader.cut) throw new BrokenBody(this.#failure ?? 'body_timeout');
        if (this.#failure !== undefined) throw new BrokenBody(this.#failure);
        if (this.#over) return;
        this.#more ??= Promise.withResolvers<void>();
        await this.#more.promise;
      }
    } finally {
      this.#readers.delete(reader);
      this.#forget();
      this.#owner.onLeft();
    }
  }

  /** Others wait for a part that the slowest readers keep from coming: those lose theirs. @param passed milliseconds since the last look */
  cutSlow(passed: number): void {
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

  // The memory budget's questions.

  get taken(): number {
    let taken = 0;
    for (const reader of this.#readers) taken += reader.taken;
    return taken;
  }

  shed(): void {
    // A reader that waits for its client would hold on to all parts until that client is given up.
    for (const reader of this.#readers) reader.cut = true;
    this.#readers.clear();
    this.#forget();
    this.#wake();
    this.#owner.shed();
  }

  #copy(bytes: Buffer): Buffer {
    const at = this.#length;
    if (this.#whole === undefined || at + bytes.length > this.#whole.length) return Buffer.from(bytes);
    bytes.copy(this.#whole, at);
    return this.#whole.subarray(at, at + bytes.length);
  }

  #wake(): void {
    this.#more?.resolve();
    this.#more = undefined;
  }

  /** Of a body that is not kept: what all have read is let go, and more is read. */
  #forget(): void {
    if (this.#keep || this.#expected > 0) return;
    let slowest = this.#first + this.#chunks.length;
    let taken = Infinity;
    for (const reader of this.#readers) {
      slowest = Math.min(slowest, reader.at);
      taken = Math.min(taken, reader.taken);
    }
    const gone = slowest - this.#first;
    if (gone > 0) {
      for (const [index, { length }] of this.#chunks.splice(0, gone).entries())
        if (this.#first + index >= this.#pieceEnd) this.#hold(-length);
      this.#first += gone;
    }
    // The part that was read last may still be on its way to the client.
    if (this.#piece > 0 && (slowest > this.#pieceEnd || this.#readers.size === 0)) {
      this.#hold(-this.#piece);
      this.#piece = 0;
    }
    // Where memory is short, a body goes on chunk by chunk.
    if (this.#paused && (this.#chunks.length === 0 || (this.#length - taken < AHEAD && !memoryBudget.full))) {
      this.#paused = false;
      if (!this.#queued) this.#owner.onResume();
    }
  }

  /** What its slowest readers have not taken yet counts in the data plane's budget, which may end it. */
  #hold(bytes: number): void {
    this.#held += bytes;
    this.#claim.set(this.#held);
  }
}

/** Following a request's body to its end, without keeping any of it. */
import { ChunkWalker, type ChunkSink } from './chunks.ts';
import { CHUNKED, LENGTH, NO_BODY } from './message.ts';

export class BodyReader {
  readonly #maxTrailers: number;
  #kind = NO_BODY;
  #walker: ChunkWalker | undefined;
  #read = 0;
  /** Of a body with a length: bytes still to come. */
  remaining = 0;
  /** After `read`: the first byte that is not of the body, the end of what may be passed on as it is, what must follow it. */
  next = 0;
  passEnd = 0;
  tail = '';
  /** Once done: the trailers of a chunked body, as whole lines. */
  trailers = '';
  done = true;
  /** The body is not well formed. */
  bad = false;

  /** @param maxTrailers in bytes */
  constructor(maxTrailers: number) {
    this.#maxTrailers = maxTrailers;
  }

  /** Begin a body of a kind that message.ts names. */
  begin(kind: number, length: number): void {
    this.#kind = kind;
    this.#read = 0;
    this.remaining = length;
    this.done = kind === NO_BODY;
    this.bad = false;
    this.tail = this.trailers = '';
    if (kind === CHUNKED) (this.#walker ??= new ChunkWalker(this.#maxTrailers)).reset();
  }

  /** It comes in chunks. */
  get chunked(): boolean {
    return this.#kind === CHUNKED;
  }

  /** Follow the next bytes. @param sink gets a chunked body's data */
  read(bytes: Buffer, start: number, sink?: ChunkSink): void {
    if (this.#kind === LENGTH) {
      this.next = this.passEnd = Math.min(bytes.length, start + this.remaining);
      this.remaining -= this.next - start;
      this.done = this.remaining === 0;
    } else {
      const walker = this.#walker!;
      this.next = walker.walk(bytes, start, bytes.length, sink);
      ({ passEnd: this.passEnd, finished: this.done, tail: this.tail, bad: this.bad } = walker);
      this.trailers = walker.trailers;
    }
    this.#read += this.next - start;
  }

  /** Whether an unwanted body may still have more than a number of bytes. */
  exceeds(most: number): boolean {
    return this.#kind === LENGTH ? this.remaining > most : this.#read > most;
  }

  /** Count from here on. */
  forget(): void {
    this.#read = 0;
  }
}

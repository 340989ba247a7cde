/** What waits for a server's reply. */

/** Told of one reply, part by part. */
export interface Pending {
  /**
   * A part of the reply came.
   * @param bytes not copied; they do not change
   * @param done it is the last part
   */
  onReply(bytes: Buffer, done: boolean): void;
  /** There will be none. @param reason what a client is told */
  onFailure(reason: string): void;
  /** Whether no more is wanted until `resume` is called: asked after each part. Absent: never. */
  congested?(resume: () => void): boolean;
}

/** Swallows a reply. */
export const ignored: Pending = { onReply() {}, onFailure() {} };

/** Keeps a whole reply, and hands it on at its end. */
export class ReplyCollector implements Pending {
  readonly #parts: Buffer[] = [];
  readonly #done: (reply: Buffer | Error) => void;
  readonly #limit: number;
  #size = 0;

  /** @param limit in bytes; a larger reply is a failure */
  constructor(limit: number, done: (reply: Buffer | Error) => void) {
    this.#limit = limit;
    this.#done = done;
  }

  onReply(bytes: Buffer, done: boolean): void {
    this.#size += bytes.length;
    if (this.#size <= this.#limit) this.#parts.push(bytes);
    else this.#parts.length = 0;
    if (!done) return;
    if (this.#size > this.#limit) this.#done(new Error('the reply of a server is too large to be put together'));
    else this.#done(this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts));
  }

  onFailure(reason: string): void {
    this.#done(new Error(reason));
  }
}

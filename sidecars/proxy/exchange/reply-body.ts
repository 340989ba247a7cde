/** The body of an answer that comes in time: sent no faster than the client takes it, and as long as it was said to be. */

export interface ReplyBodyUser {
  /** Nobody wants any more of it. */
  readonly over: boolean;
  /** A part of it. @returns false to send no more until `resume` */
  onPart(bytes: Buffer): boolean;
}

export class ReplyBody {
  readonly #user: ReplyBodyUser;
  /** Goes on after a client that was slow. */
  #resume: (() => void) | undefined;

  constructor(user: ReplyBodyUser) {
    this.#user = user;
  }

  /**
   * Send all of it.
   * @param length in bytes, where it was told
   * @returns false when nobody wanted it to its end
   * @throws what the body throws; and when its length is another one
   */
  async send(body: AsyncIterable<Uint8Array>, length: number | undefined): Promise<boolean> {
    let sent = 0;
    for await (const part of body) {
      if (this.#user.over) return false;
      sent += part.byteLength;
      if (length !== undefined && sent > length) throw new Error(`an answer of ${length} bytes has more`);
      if (this.#user.onPart(Buffer.from(part.buffer, part.byteOffset, part.byteLength))) continue;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#resume = resolve;
      await promise;
    }
    if (this.#user.over) return false;
    if (length !== undefined && sent < length) throw new Error(`an answer of ${length} bytes has ${sent}`);
    return true;
  }

  /** The client takes more; or nobody does, so that the body is not waited with for ever. */
  resume(): void {
    this.#resume?.();
  }
}

/** A request's body that a filter reads before it goes on to an endpoint. */

export class RequestBody {
  /** Whole lines, once it is complete. */
  trailers = '';
  #text: string;
  #done: boolean;
  #limit = 0;
  #settle: ((body: Buffer | undefined) => void) | undefined;

  /**
   * @param start what is there already, as Latin-1 text
   * @param done that is all
   */
  constructor(start: string, done: boolean) {
    this.#text = start;
    this.#done = done;
  }

  /** More is wanted. */
  get reading(): boolean {
    return this.#settle !== undefined;
  }

  /** @returns the whole body; undefined when it is longer than `limit` bytes, or the client went away */
  read(limit: number): Promise<Buffer | undefined> {
    const { promise, resolve } = Promise.withResolvers<Buffer | undefined>();
    this.#limit = limit;
    this.#settle = resolve;
    this.#look();
    return promise;
  }

  /** A part of it. @returns false to send no more for now */
  push(data: Buffer): boolean {
    this.#text += data.toString('latin1');
    this.#look();
    return this.reading;
  }

  /** It will never be complete. */
  abort(): void {
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.(undefined);
  }

  /** It is complete. */
  end(trailers: string): void {
    this.trailers = trailers;
    this.#done = true;
    this.#look();
  }

  #look(): void {
    const long = this.#text.length > this.#limit;
    if (!long && !this.#done) return;
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.(long ? undefined : Buffer.from(this.#text, 'latin1'));
  }

  /** What was read, as Latin-1 text; it is no longer kept here. */
  release(): string {
    const text = this.#text;
    this.#text = '';
    return text;
  }
}

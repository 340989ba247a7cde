/** A request's body that a filter reads before it goes on to an endpoint. */

import { ByteQueue } from '#proxy/memory/byte-queue.ts';

export class RequestBody {
  /** Whole lines, once it is complete. */
  trailers = '';
  readonly #bytes = new ByteQueue();
  #done: boolean;
  #limit = 0;
  #settle: ((body: Buffer | undefined) => void) | undefined;

  /**
   * @param start what is there already, as Latin-1 text
   * @param done that is all
   */
  constructor(start: string, done: boolean) {
    this.#add(Buffer.from(start, 'latin1'));
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
    this.#add(data);
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
    const long = this.#bytes.size > this.#limit;
    if (!long && !this.#done) return;
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.(long ? undefined : this.#all());
  }

  #add(bytes: Buffer): void {
    this.#bytes.add(bytes, 0, bytes.length);
  }

  #all(): Buffer {
    const all = this.#bytes.take();
    this.#bytes.add(all, 0, all.length, true);
    return all;
  }

  /** What was read, as Latin-1 text; it is no longer kept here. */
  release(): string {
    return this.#bytes.take().toString('latin1');
  }
}

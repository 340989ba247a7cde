/** A request's body so far, while it may be needed again: its bytes, in however many pieces they came. */
import { ByteQueue } from '#proxy/memory/byte-queue.ts';

export class BodyCopy {
  /** Its beginning, as Latin-1 text; undefined when nothing is kept. */
  #start: string | undefined;
  #since: ByteQueue | undefined;

  /** @param start the beginning of the body, as Latin-1 text */
  begin(start: string): void {
    this.#start = start;
  }

  /** The body is kept. */
  get kept(): boolean {
    return this.#start !== undefined;
  }

  /** Bytes. */
  get size(): number {
    return (this.#start?.length ?? 0) + (this.#since?.size ?? 0);
  }

  /** A further part came; of a body that is kept. @param most bytes to keep: of a longer one nothing is */
  add(data: Buffer, most: number): void {
    if (this.size + data.length <= most) (this.#since ??= new ByteQueue()).add(data, 0, data.length);
    else this.forget();
  }

  /** Nothing is sent again. */
  forget(): void {
    this.#start = this.#since = undefined;
  }

  /** All of it, as Latin-1 text; '' when nothing is kept. */
  text(): string {
    if (this.#since !== undefined) this.#start += this.#since.take().toString('latin1');
    this.#since = undefined;
    return this.#start ?? '';
  }
}

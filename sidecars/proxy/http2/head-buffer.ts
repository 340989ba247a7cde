/** A coded head that comes in several frames. */

const FIRST_SIZE = 1024;

export class HeadBuffer {
  readonly id: number;
  /** The head has no body. */
  readonly ends: boolean;
  readonly dependsOnItself: boolean;
  bytes: Buffer = Buffer.alloc(0);
  size = 0;
  readonly #most: number;

  /** @param most bytes */
  constructor(id: number, ends: boolean, dependsOnItself: boolean, most: number) {
    this.id = id;
    this.ends = ends;
    this.dependsOnItself = dependsOnItself;
    this.#most = most;
  }

  /** @returns false when it is more than is taken */
  add(bytes: Buffer, start: number, end: number): boolean {
    const size = this.size + end - start;
    if (size > this.#most) return false;
    if (size > this.bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(size, 2 * this.size, FIRST_SIZE));
      this.bytes.copy(larger, 0, 0, this.size);
      this.bytes = larger;
    }
    bytes.copy(this.bytes, this.size, start, end);
    this.size = size;
    return true;
  }
}

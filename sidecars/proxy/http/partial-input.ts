/** Bytes that wait for more. They are joined when somebody looks, not each time that some come. */

/** Parts after which they are joined: each costs memory, however few bytes it has. */
const MAX_PARTS = 64;

export class PartialInput {
  #parts: Buffer[] = [];
  /** In bytes. */
  size = 0;

  add(bytes: Buffer): void {
    this.#parts.push(bytes);
    this.size += bytes.length;
    if (this.#parts.length > MAX_PARTS) this.#parts = [Buffer.concat(this.#parts, this.size)];
  }

  /** All of them; nothing is left. */
  take(): Buffer {
    const parts = this.#parts;
    const all = parts.length === 1 ? parts[0]! : Buffer.concat(parts, this.size);
    this.clear();
    return all;
  }

  clear(): void {
    if (this.size === 0) return;
    this.#parts = [];
    this.size = 0;
  }
}

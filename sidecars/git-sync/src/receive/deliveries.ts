/** Deliveries that were seen, so that none counts twice. */
import { createHash } from 'node:crypto';

/** Pushes a minute would have to go on for hours to push an entry out while it is still fresh. */
const REMEMBERED = 2048;
/** A push that says it was sent longer ago than this, in milliseconds, is an old recording. */
const FRESH = 3_600_000;

export class Deliveries {
  readonly #seen = new Set<string>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /**
   * Has this been here before? If not, it has now. Signatures cover the body alone, so that a recording
   * could come with another id: a body that was seen counts as well, where it was signed.
   * @param id what the sender calls it
   * @param signed the body, where a signature covers it
   * @param sentAt milliseconds since the epoch, where the format says so
   */
  isReplay(id: string | undefined, signed: Uint8Array | undefined, sentAt: number | undefined): boolean {
    const keys = [
      ...(id === undefined ? [] : [`id:${digest(id)}`]),
      ...(signed === undefined ? [] : [`body:${digest(signed)}`]),
    ];
    if (keys.some((key) => this.#seen.has(key))) return true;
    if (sentAt !== undefined && Math.abs(this.#now() - sentAt) > FRESH) return true;
    for (const key of keys) this.#seen.add(key);
    for (const key of this.#seen) {
      if (this.#seen.size <= REMEMBERED) break;
      this.#seen.delete(key);
    }
    return false;
  }
}

const digest = (value: string | Uint8Array): string => createHash('sha256').update(value).digest('base64');

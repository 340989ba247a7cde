/** HPACK's tables of fields (RFC 7541, section 2.3 and appendix A), kept as lines of HTTP/1. */
import { LINE_OVERHEAD, fieldInfo, nameInfo } from './field-block.ts';

const STATIC_FIELDS =
  ':authority=|:method=GET|:method=POST|:path=/|:path=/index.html|:scheme=http|:scheme=https|:status=200|:status=204|' +
  ':status=206|:status=304|:status=400|:status=404|:status=500|accept-charset=|accept-encoding=gzip, deflate|' +
  'accept-language=|accept-ranges=|accept=|access-control-allow-origin=|age=|allow=|authorization=|cache-control=|' +
  'content-disposition=|content-encoding=|content-language=|content-length=|content-location=|content-range=|' +
  'content-type=|cookie=|date=|etag=|expect=|expires=|from=|host=|if-match=|if-modified-since=|if-none-match=|' +
  'if-range=|if-unmodified-since=|last-modified=|link=|location=|max-forwards=|proxy-authenticate=|' +
  'proxy-authorization=|range=|referer=|refresh=|retry-after=|server=|set-cookie=|strict-transport-security=|' +
  'transfer-encoding=|user-agent=|vary=|via=|www-authenticate=';

/** Names and values of the static table; the first one has index 1. */
export const STATIC: readonly (readonly [string, string])[] = STATIC_FIELDS.split('|').map((field) => {
  const [name = '', value = ''] = field.split('=', 2);
  return [name, value];
});
export const STATIC_COUNT = STATIC.length;

/** What the size of an entry counts beyond its name and value (RFC 7541, section 4.1). */
export const ENTRY_OVERHEAD = 32;
const SLOT = 4;
/** From here on the system copies faster than a loop does, in bytes. */
export const LONG = 128;
const FIRST_BYTES = 1024;
const FIRST_ENTRIES = 16;

/** Entries as lines in one buffer: each has an offset, the lengths of name and value, and an info. */
export interface Lines {
  readonly bytes: Uint8Array;
  /** Four numbers an entry. */
  readonly slots: Int32Array;
}

export const STATIC_LINES: Lines = staticLines();

function staticLines(): Lines {
  const bytes = Buffer.from(STATIC.map(([name, value]) => `${name}: ${value}\r\n`).join(''), 'latin1');
  const slots = new Int32Array(STATIC_COUNT * SLOT);
  let at = 0;
  for (const [index, [name, value]] of STATIC.entries()) {
    const valueStart = at + name.length + 2;
    const info = fieldInfo(nameInfo(bytes, at, at + name.length), bytes, valueStart, valueStart + value.length);
    slots.set([at, name.length, value.length, info], index * SLOT);
    at += name.length + value.length + LINE_OVERHEAD;
  }
  return { bytes, slots };
}

/**
 * A dynamic table: the newest entries up to a size. Entries are numbered from 0 as they come, and
 * the oldest are forgotten. Memory grows with what is in it; an empty table has none.
 */
export class DynamicTable implements Lines {
  bytes: Uint8Array = NOTHING;
  slots: Int32Array = NO_SLOTS;
  /** The number that the next entry gets. */
  next = 0;
  /** The oldest entry's number. */
  oldest = 0;
  #mask = 0;
  #size = 0;
  #limit: number;
  /** Where the next line goes in `bytes`. */
  #head = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get limit(): number {
    return this.#limit;
  }

  /** Change the size, as counted by RFC 7541, section 4.1; entries that fit no longer are forgotten. */
  set limit(limit: number) {
    this.#limit = limit;
    this.#evict(0);
  }

  get count(): number {
    return this.next - this.oldest;
  }

  /** Where an entry's four numbers begin in `slots`. */
  slot(entry: number): number {
    return (entry & this.#mask) * SLOT;
  }

  /**
   * Add an entry; one that is larger than the table empties it (RFC 7541, section 4.4).
   * @param from holds the line at `start`, which must not lie in this table
   * @returns the entry's number, or -1 when it was not kept
   */
  add(from: Uint8Array, start: number, nameLength: number, valueLength: number, info: number): number {
    const size = nameLength + valueLength + ENTRY_OVERHEAD;
    this.#evict(size);
    if (size > this.#limit) return -1;
    this.#size += size;
    const length = nameLength + valueLength + LINE_OVERHEAD;
    const at = this.#place(length);
    const { bytes } = this;
    if (length > LONG) bytes.set(from.subarray(start, start + length), at);
    else for (let index = 0; index < length; index++) bytes[at + index] = from[start + index]!;
    if (this.count === this.slots.length / SLOT) this.#moreSlots();
    const slot = this.slot(this.next);
    const { slots } = this;
    slots[slot] = at;
    slots[slot + 1] = nameLength;
    slots[slot + 2] = valueLength;
    slots[slot + 3] = info;
    return this.next++;
  }

  /** Forget the oldest until an entry of a size fits. */
  #evict(size: number): void {
    const room = Math.max(0, this.#limit - size);
    while (this.#size > room && this.oldest < this.next) {
      const slot = this.slot(this.oldest++);
      this.#size -= this.slots[slot + 1]! + this.slots[slot + 2]! + ENTRY_OVERHEAD;
    }
    if (this.oldest === this.next) this.#head = 0;
  }

  /** Find room for a line in one piece: after the newest, or at the front again. */
  #place(length: number): number {
    const tail = this.count > 0 ? this.slots[this.slot(this.oldest)]! : 0;
    let at = this.#head;
    // Lines lie in a ring: either from tail to head, or wrapped, with the free room between head and tail.
    if (this.count > 0 && at <= tail) {
      if (at + length > tail) at = this.#moreBytes(length);
    } else if (at + length > this.bytes.length) {
      at = this.count > 0 && length <= tail ? 0 : this.#moreBytes(length);
    }
    this.#head = at + length;
    return at;
  }

  #moreBytes(length: number): number {
    let size = Math.max(FIRST_BYTES, this.bytes.length);
    while (size < this.#size + length) size *= 2;
    if (size === this.bytes.length) size *= 2;
    const bytes = new Uint8Array(size);
    let at = 0;
    for (let entry = this.oldest; entry < this.next; entry++) {
      const slot = this.slot(entry);
      const from = this.slots[slot]!;
      const line = this.slots[slot + 1]! + this.slots[slot + 2]! + LINE_OVERHEAD;
      bytes.set(this.bytes.subarray(from, from + line), at);
      this.slots[slot] = at;
      at += line;
    }
    this.bytes = bytes;
    return at;
  }

  #moreSlots(): void {
    const capacity = Math.max(FIRST_ENTRIES, (this.slots.length / SLOT) * 2);
    const slots = new Int32Array(capacity * SLOT);
    for (let entry = this.oldest; entry < this.next; entry++)
      slots.set(this.slots.subarray(this.slot(entry), this.slot(entry) + SLOT), (entry & (capacity - 1)) * SLOT);
    this.slots = slots;
    this.#mask = capacity - 1;
  }
}

const NOTHING = new Uint8Array(0);
const NO_SLOTS = new Int32Array(0);

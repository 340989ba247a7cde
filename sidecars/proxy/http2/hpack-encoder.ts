/** HPACK, writing (RFC 7541, sections 4 and 6). */
import { DEFAULT_TABLE_SIZE } from './codes.ts';
import { DynamicTable, ENTRY_OVERHEAD, STATIC, STATIC_COUNT } from './hpack-tables.ts';
import { encodeHuffman, huffmanLength } from './huffman.ts';

const FNV_OFFSET = 0x811c9dc5 | 0;
const FNV_PRIME = 0x01000193;
/** Bytes that a literal takes beyond its name and value, at most. */
const LITERAL_OVERHEAD = 16;
/** How many fields are remembered that were sent once. A power of two. */
const REMEMBERED = 64;
/** Below this many bytes Huffman's code spares next to nothing. */
const WORTH_CODING = 4;

/** What a field was coded as, where it was more than a reference to a table: it cannot be repeated. */
export const LITERAL = 0;

/** A field by its name, as it was coded last. */
interface Usual {
  value: string;
  code: number;
}

const LOWER_CASE = Uint8Array.from({ length: 256 }, (_, byte) => (byte >= 65 && byte <= 90 ? byte + 32 : byte));
/** What an attacker who can watch lengths must not guess piece by piece (RFC 7541, section 7.1). */
const SECRET = new Set(['authorization', 'proxy-authorization', 'cookie', 'set-cookie']);

/** Of each static name: its hash, and the first index that has it. */
const STATIC_NAMES = new Map<number, { readonly name: Buffer; readonly values: Buffer[]; readonly index: number }>();
for (const [position, [name, value]] of STATIC.entries()) {
  const bytes = Buffer.from(name, 'latin1');
  const hash = hashOf(bytes, 0, bytes.length, FNV_OFFSET);
  const known = STATIC_NAMES.get(hash);
  if (known === undefined) STATIC_NAMES.set(hash, { name: bytes, values: [Buffer.from(value)], index: position + 1 });
  else known.values.push(Buffer.from(value));
}

function hashOf(bytes: Uint8Array, start: number, end: number, from: number): number {
  let hash = from;
  for (let index = start; index < end; index++) hash = Math.imul(hash ^ bytes[index]!, FNV_PRIME);
  return hash;
}

// One block is encoded at a time, so all connections share these two.
let block: Buffer = Buffer.allocUnsafeSlow(4096);
let line: Buffer = Buffer.allocUnsafeSlow(4096);

export class HpackEncoder {
  readonly #table = new DynamicTable(DEFAULT_TABLE_SIZE);
  /** Hashes of fields that were sent once: what comes a second time is worth an entry. */
  #seen: Int32Array | undefined;
  /** The smallest table size since the last block; -1 when it did not change. */
  #smallest = -1;
  #at = 0;
  /** Entries were made by a block that has not been sent. */
  #unsent = false;
  /** Of each name that every head has. */
  readonly #usual = new Map<string, Usual>();

  /** The peer's SETTINGS_HEADER_TABLE_SIZE. */
  limitTable(size: number): void {
    const limit = Math.min(size, DEFAULT_TABLE_SIZE);
    if (limit === this.#table.limit && this.#smallest === -1) return;
    this.#smallest = this.#smallest === -1 ? limit : Math.min(this.#smallest, limit);
    this.#table.limit = limit;
  }

  /** Begin a block. One that was begun and not sent is forgotten, and with it all entries, which the peer lacks. */
  begin(): void {
    this.#at = 0;
    if (this.#unsent) {
      const { limit } = this.#table;
      this.#table.limit = 0;
      this.#table.limit = limit;
      this.#smallest = 0;
      this.#unsent = false;
    }
    if (this.#smallest === -1) return;
    if (this.#smallest < this.#table.limit) this.#integer(0x20, 0x1f, this.#smallest);
    this.#integer(0x20, 0x1f, this.#table.limit);
    this.#smallest = -1;
    // The change itself is lost as well, should this block not be sent.
    this.#unsent = true;
  }

  /** The block is on its way to the peer. */
  sent(): void {
    this.#unsent = false;
  }

  /** The block that was begun; valid until the next one is. */
  get bytes(): Buffer {
    return block;
  }
  /** The end of the block in `bytes`. */
  get end(): number {
    return this.#at;
  }

  /** `:status`. */
  status(status: number): void {
    switch (status) {
      case 200:
        return this.#indexed(8);
      case 204:
        return this.#indexed(9);
      case 206:
        return this.#indexed(10);
      case 304:
        return this.#indexed(11);
      case 400:
        return this.#indexed(12);
      case 404:
        return this.#indexed(13);
      case 500:
        return this.#indexed(14);
      default:
        void this.text(':status', String(status));
    }
  }

  #indexed(index: number): void {
    this.#reserve(LITERAL_OVERHEAD);
    this.#integer(0x80, 0x7f, index);
  }

  /** As `text`, for the few names that every head has: most heads say the same there as the one before. */
  usual(name: string, value: string): void {
    const known = this.#usual.get(name);
    if (known === undefined) this.#usual.set(name, { value, code: this.text(name, value) });
    else if (known.value !== value || !this.repeat(known.code)) {
      known.value = value;
      known.code = this.text(name, value);
    }
  }

  /**
   * Write a field again.
   * @param code what `text` or `field` returned for it
   * @returns false when it cannot be repeated (any more), and nothing was written
   */
  repeat(code: number): boolean {
    if (!this.holds(code)) return false;
    this.#indexed(code < 0 ? -code : this.#indexOf(code - 1));
    return true;
  }

  /** Whether `repeat` can write a field. */
  holds(code: number): boolean {
    return code < 0 || (code > 0 && code > this.#table.oldest);
  }

  /** A field as text. @param name in any case @param value Latin-1 @returns as `field` */
  text(name: string, value: string): number {
    const length = name.length + value.length + 4;
    if (line.length < length) line = Buffer.allocUnsafeSlow(length * 2);
    line.write(name, 0, 'latin1');
    const valueStart = name.length + 2;
    line.write(value, valueStart, 'latin1');
    return this.field(line, 0, name.length, valueStart, valueStart + value.length);
  }

  /**
   * A field as a part of a head; its name is made lower case.
   * @param never it must not be compressed by reference
   * @returns by what `repeat` writes the same once more; LITERAL where that cannot be
   */
  field(
    bytes: Uint8Array,
    nameStart: number,
    nameEnd: number,
    valueStart: number,
    valueEnd: number,
    never = false,
  ): number {
    const nameLength = nameEnd - nameStart;
    const valueLength = valueEnd - valueStart;
    const length = nameLength + valueLength;
    if (line.length < length + 4) line = Buffer.allocUnsafeSlow(length * 2 + 4);
    this.#reserve(length + LITERAL_OVERHEAD);
    let at = 0;
    let hash = FNV_OFFSET;
    for (let index = nameStart; index < nameEnd; index++) {
      const byte = LOWER_CASE[bytes[index]!]!;
      line[at++] = byte;
      hash = Math.imul(hash ^ byte, FNV_PRIME);
    }
    const known = STATIC_NAMES.get(hash);
    const index = known !== undefined && same(known.name, 0, 0, nameLength, known.name.length) ? known.index : 0;
    line[at++] = 58;
    line[at++] = 32;
    hash = Math.imul(hash ^ 58, FNV_PRIME);
    for (let from = valueStart; from < valueEnd; from++) {
      const byte = bytes[from]!;
      line[at++] = byte;
      hash = Math.imul(hash ^ byte, FNV_PRIME);
    }
    line[at] = 13;
    line[at + 1] = 10;

    if (never || (known !== undefined && index > 0 && SECRETS[index] === 1)) {
      this.#literal(0x10, 0x0f, index > 0 ? index : this.#nameIndex(nameLength), nameLength, valueLength);
      return LITERAL;
    }
    if (index > 0) {
      const { values } = known!;
      for (let other = 0; other < values.length; other++) {
        const value = values[other]!;
        if (value.length === 0 || !same(value, 0, nameLength + 2, valueLength, value.length)) continue;
        this.#integer(0x80, 0x7f, index + other);
        return -(index + other);
      }
    }
    const entry = this.#find(hash, nameLength, valueLength);
    if (entry >= 0) {
      this.#integer(0x80, 0x7f, this.#indexOf(entry));
      return entry + 1;
    }
    const nameIndex = index > 0 ? index : this.#nameIndex(nameLength);
    if (length + ENTRY_OVERHEAD > this.#table.limit / 2 || !this.#comesAgain(hash)) {
      this.#literal(0, 0x0f, nameIndex, nameLength, valueLength);
      return LITERAL;
    }
    this.#literal(0x40, 0x3f, nameIndex, nameLength, valueLength);
    this.#unsent = true;
    return this.#table.add(line, 0, nameLength, valueLength, hash) + 1;
  }

  /** Whether a field was sent not long ago. Values that never repeat must not push out those that do. */
  #comesAgain(hash: number): boolean {
    this.#seen ??= new Int32Array(REMEMBERED);
    const place = hash & (REMEMBERED - 1);
    if (this.#seen[place] === hash) return true;
    this.#seen[place] = hash;
    return false;
  }

  #indexOf(entry: number): number {
    return STATIC_COUNT + this.#table.next - entry;
  }

  /** The entry that equals the field in `line`, or -1. */
  #find(hash: number, nameLength: number, valueLength: number): number {
    const table = this.#table;
    const { slots, bytes } = table;
    for (let entry = table.next - 1; entry >= table.oldest; entry--) {
      const slot = table.slot(entry);
      if (
        slots[slot + 3] === hash &&
        slots[slot + 1] === nameLength &&
        slots[slot + 2] === valueLength &&
        same(bytes, slots[slot]!, 0, nameLength + 2 + valueLength, nameLength + 2 + valueLength)
      )
        return entry;
    }
    return -1;
  }

  /** The index of an entry with the name in `line`; 0 for none. */
  #nameIndex(nameLength: number): number {
    const table = this.#table;
    for (let entry = table.next - 1; entry >= table.oldest; entry--) {
      const slot = table.slot(entry);
      if (table.slots[slot + 1] === nameLength && same(table.bytes, table.slots[slot]!, 0, nameLength, nameLength))
        return this.#indexOf(entry);
    }
    return 0;
  }

  #literal(pattern: number, mask: number, index: number, nameLength: number, valueLength: number): void {
    this.#integer(pattern, mask, index);
    if (index === 0) this.#string(0, nameLength);
    this.#string(nameLength + 2, nameLength + 2 + valueLength);
  }

  /** A part of `line` as a string (section 5.2), coded where that is shorter. */
  #string(start: number, end: number): void {
    const length = end - start;
    const coded = length < WORTH_CODING ? length : huffmanLength(line, start, end);
    if (coded < length) {
      this.#integer(0x80, 0x7f, coded);
      this.#at = encodeHuffman(line, start, end, block, this.#at);
      return;
    }
    this.#integer(0, 0x7f, length);
    for (let index = start; index < end; index++) block[this.#at++] = line[index]!;
  }

  /** An integer after a pattern in the first byte (section 5.1). */
  #integer(pattern: number, mask: number, value: number): void {
    if (value < mask) {
      block[this.#at++] = pattern | value;
      return;
    }
    block[this.#at++] = pattern | mask;
    let rest = value - mask;
    for (; rest >= 0x80; rest >>>= 7) block[this.#at++] = (rest & 0x7f) | 0x80;
    block[this.#at++] = rest;
  }

  /** Make sure of so much room in `block`. */
  #reserve(size: number): void {
    if (block.length - this.#at >= size) return;
    const larger = Buffer.allocUnsafeSlow((this.#at + size) * 2);
    block.copy(larger, 0, 0, this.#at);
    block = larger;
  }
}

const SECRETS = Uint8Array.from({ length: STATIC_COUNT + 1 }, (_, index) =>
  index > 0 && SECRET.has(STATIC[index - 1]![0]) ? 1 : 0,
);

/** Whether bytes equal a part of `line`. */
function same(bytes: Uint8Array, start: number, lineStart: number, length: number, expected: number): boolean {
  if (length !== expected) return false;
  for (let index = 0; index < length; index++) if (bytes[start + index] !== line[lineStart + index]) return false;
  return true;
}

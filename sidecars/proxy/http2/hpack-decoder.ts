/** HPACK, reading (RFC 7541, sections 3 and 6). */
import { charge } from '#proxy/loop/turn.ts';
import { DEFAULT_TABLE_SIZE } from './codes.ts';
import { FieldBlock, LINE_OVERHEAD, NEVER_INDEXED, fieldInfo, nameInfo } from './field-block.ts';
import { DynamicTable, LONG, STATIC_COUNT, STATIC_LINES, type Lines } from './hpack-tables.ts';
import { decodeHuffman } from './huffman.ts';
import { KnownBlocks } from './known-blocks.ts';

/** No integer of a sane peer is larger. */
const MAX_INTEGER = 2 ** 28;
/** Changes of the table's size in one block; two are of use (RFC 7541, section 4.2). */
const MAX_RESIZES = 16;
/** Bytes, coded and decoded, that cost as much CPU as a few frames do: some 10 microseconds. */
const BYTES_A_PIECE = 2048;

export class HpackDecoder {
  readonly #table = new DynamicTable(DEFAULT_TABLE_SIZE);
  readonly #known = new KnownBlocks(this.#table);
  #at = 0;
  #bytes: Uint8Array = Buffer.alloc(0);
  #end = 0;
  /** The last block was not decoded to its end: it stands for far more than a head may be. */
  gaveUp = false;

  /**
   * Decode a block. One that is too large is decoded to its end all the same, since later blocks refer to it; but only
   * while what it stands for costs no more than a few heads would.
   * @param block filled; it says itself whether it is too large or malformed
   * @returns false when the block cannot be decoded, which ends the connection (COMPRESSION_ERROR, unless `gaveUp`)
   */
  decode(block: FieldBlock, bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#known.restore(block, bytes, start, end)) return true;
    const whole = this.#decode(block, bytes, start, end);
    const pieces = Math.floor((this.#at - start + block.size) / BYTES_A_PIECE);
    if (pieces > 0) charge(pieces);
    if (!whole) return false;
    this.#known.remember(block, bytes, start, end);
    return true;
  }

  #decode(block: FieldBlock, bytes: Uint8Array, start: number, end: number): boolean {
    block.reset();
    this.gaveUp = false;
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
    let resizes = 0;
    while (this.#at < end) {
      const first = bytes[this.#at]!;
      if (first >= 0x80) {
        // An indexed field.
        const index = this.#integer(0x7f);
        if (index <= 0 || !this.#addIndexed(block, index)) return false;
      } else if (first >= 0x40) {
        if (!this.#addLiteral(block, this.#integer(0x3f), true, 0)) return false;
      } else if (first >= 0x20) {
        // A table's size changes before the first field only (section 4.2).
        const size = this.#integer(0x1f);
        if (resizes < 0 || size < 0 || size > DEFAULT_TABLE_SIZE) return false;
        this.#table.limit = size;
        this.#known.resizes();
        if (++resizes <= MAX_RESIZES) continue;
        this.gaveUp = true;
        return false;
      } else if (!this.#addLiteral(block, this.#integer(0x0f), false, first >= 0x10 ? NEVER_INDEXED : 0)) return false;
      resizes = -1;
      if (block.excessive) {
        this.gaveUp = true;
        return false;
      }
    }
    return true;
  }

  /** Where an index points: static table first, then the newest of the dynamic one. Undefined for neither. */
  #linesOf(index: number): Lines | undefined {
    if (index <= STATIC_COUNT) return STATIC_LINES;
    this.#known.refers();
    return index - STATIC_COUNT <= this.#table.count ? this.#table : undefined;
  }

  #slotOf(index: number): number {
    return index <= STATIC_COUNT ? (index - 1) * 4 : this.#table.slot(this.#table.next - (index - STATIC_COUNT));
  }

  #addIndexed(block: FieldBlock, index: number): boolean {
    const lines = this.#linesOf(index);
    if (lines === undefined) return false;
    const { slots } = lines;
    const slot = this.#slotOf(index);
    const nameLength = slots[slot + 1]!;
    const valueLength = slots[slot + 2]!;
    if (!block.tooLarge) copy(lines.bytes, slots[slot]!, nameLength + valueLength + LINE_OVERHEAD, block);
    block.add(nameLength, valueLength, slots[slot + 3]!);
    return true;
  }

  #addLiteral(block: FieldBlock, index: number, keep: boolean, mark: number): boolean {
    if (index < 0) return false;
    const { bytes } = block;
    const start = block.fieldsEnd;
    let nameEnd: number;
    let info: number;
    if (index === 0) {
      nameEnd = this.#string(bytes, start);
      if (nameEnd < 0) return false;
      info = nameInfo(bytes, start, nameEnd);
    } else {
      const lines = this.#linesOf(index);
      if (lines === undefined) return false;
      const slot = this.#slotOf(index);
      const nameLength = lines.slots[slot + 1]!;
      copy(lines.bytes, lines.slots[slot]!, nameLength, block);
      nameEnd = start + nameLength;
      info = nameInfo(bytes, start, nameEnd);
    }
    const valueStart = nameEnd + 2;
    const valueEnd = this.#string(bytes, valueStart);
    if (valueEnd < 0) return false;
    block.punctuate(nameEnd, valueEnd);
    info = fieldInfo(info, bytes, valueStart, valueEnd);
    if (keep) {
      this.#table.add(bytes, start, nameEnd - start, valueEnd - valueStart, info);
      this.#known.adds(start, nameEnd - start, valueEnd - valueStart, info);
    }
    block.add(nameEnd - start, valueEnd - valueStart, info | mark);
    return true;
  }

  /** An integer whose first byte has a prefix of the bits in `mask` (section 5.1); -1 when it is too long or cut. */
  #integer(mask: number): number {
    let value = this.#bytes[this.#at++]! & mask;
    if (value < mask) return value;
    for (let shift = 0; shift <= 28; shift += 7) {
      if (this.#at === this.#end) return -1;
      const byte = this.#bytes[this.#at++]!;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value <= MAX_INTEGER ? value : -1;
    }
    return -1;
  }

  /** A string (section 5.2), decoded to `at` in `to`; returns its end there, or -1 when it is cut or wrong. */
  #string(to: Uint8Array, at: number): number {
    if (this.#at === this.#end) return -1;
    const coded = this.#bytes[this.#at]! >= 0x80;
    const length = this.#integer(0x7f);
    const start = this.#at;
    if (length < 0 || length > this.#end - start) return -1;
    const end = start + length;
    this.#at = end;
    const bytes = this.#bytes;
    if (coded) return decodeHuffman(bytes, start, end, to, at);
    if (length > LONG) {
      to.set(bytes.subarray(start, end), at);
      return at + length;
    }
    for (let index = start; index < end; index++) to[at++] = bytes[index]!;
    return at;
  }
}

/** A table's bytes to the end of a block. */
function copy(from: Uint8Array, start: number, length: number, block: FieldBlock): void {
  const { bytes, fieldsEnd } = block;
  if (length > LONG) bytes.set(from.subarray(start, start + length), fieldsEnd);
  else for (let index = 0; index < length; index++) bytes[fieldsEnd + index] = from[start + index]!;
}

/**
 * Blocks that came twice. A caller who makes the same call again and again sends the same bytes for its head, as long as
 * the table that they refer to is the same: such a head is decoded once, and then had from here.
 */
import type { FieldBlock, SavedBlock } from './field-block.ts';
import type { DynamicTable } from './hpack-tables.ts';

/** Blocks of a connection that are remembered: heads, and trailers. */
const MOST = 4;
/** Longer ones are not: bytes as they came, and as lines. */
const LONGEST = 256;
const LONGEST_LINES = 1024;

const FNV_OFFSET = 0x811c9dc5 | 0;
const FNV_PRIME = 0x01000193;

interface Known {
  readonly coded: Uint8Array;
  readonly saved: SavedBlock;
  /** Lines that it put into the table, four numbers each: where the line lies, lengths of name and value, and info. */
  readonly added: readonly number[];
  /** What the table held, where its numbers mean entries of that; undefined where it stands for itself. */
  readonly held: { readonly oldest: number; readonly next: number } | undefined;
}

export class KnownBlocks {
  readonly #table: DynamicTable;
  /** Hashes of the blocks that came last. */
  readonly #hashes = new Int32Array(MOST);
  readonly #known: (Known | undefined)[] = [];
  /** Which one is forgotten next. */
  #turn = 0;
  /** Where the block that is being decoded will be remembered; -1 for nowhere. */
  #place = -1;
  #refers = false;
  #added: number[] = [];

  constructor(table: DynamicTable) {
    this.#table = table;
  }

  /** @returns whether the block was known, and is now what it was then, as the table is */
  restore(block: FieldBlock, bytes: Uint8Array, start: number, end: number): boolean {
    this.#place = -1;
    if (end - start > LONGEST) return false;
    let hash = FNV_OFFSET;
    for (let index = start; index < end; index++) hash = Math.imul(hash ^ bytes[index]!, FNV_PRIME);
    const place = this.#hashes.indexOf(hash);
    if (place === -1) {
      // Most of what comes once never comes again, and is worth no copy.
      this.#hashes[this.#turn] = hash;
      this.#known[this.#turn] = undefined;
      this.#turn = (this.#turn + 1) % MOST;
      return false;
    }
    const known = this.#known[place];
    if (known !== undefined && this.#means(known) && same(known.coded, bytes, start, end)) {
      block.restore(known.saved);
      this.#addAgain(known);
      return true;
    }
    this.#place = place;
    this.#refers = false;
    if (this.#added.length > 0) this.#added = [];
    return false;
  }

  /** Whether a block's numbers mean what they did. */
  #means({ held }: Known): boolean {
    return held === undefined || (held.next === this.#table.next && held.oldest === this.#table.oldest);
  }

  #addAgain({ added, saved }: Known): void {
    for (let index = 0; index < added.length; index += 4)
      this.#table.add(saved.bytes, added[index]!, added[index + 1]!, added[index + 2]!, added[index + 3]!);
  }

  /** The block that is being decoded refers to the dynamic table. */
  refers(): void {
    this.#refers = true;
  }

  /** It changes the table's size: it is not remembered. */
  resizes(): void {
    this.#place = -1;
  }

  /** It puts a line into the table. */
  adds(start: number, nameLength: number, valueLength: number, info: number): void {
    if (this.#place !== -1) this.#added.push(start, nameLength, valueLength, info);
  }

  /** The block that `restore` was asked for last has been decoded. */
  remember(block: FieldBlock, bytes: Uint8Array, start: number, end: number): void {
    if (this.#place === -1 || block.tooLarge || block.malformed || block.fieldsEnd > LONGEST_LINES) return;
    const added = this.#added;
    // What means other entries each time is something else each time.
    if (this.#refers && added.length > 0) return;
    const { oldest, next } = this.#table;
    this.#added = [];
    this.#known[this.#place] = {
      coded: Uint8Array.prototype.slice.call(bytes, start, end),
      saved: block.save(),
      added,
      held: this.#refers ? { oldest, next } : undefined,
    };
  }
}

function same(coded: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (coded.length !== end - start) return false;
  for (let index = 0; index < coded.length; index++) if (coded[index] !== bytes[start + index]) return false;
  return true;
}

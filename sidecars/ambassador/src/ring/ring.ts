/** Which server a key belongs to, exactly as nutcracker decides it. */
import { createHash } from 'node:crypto';
import { HASHES, type HashName } from './hash.ts';

/** One server of the ring. */
export interface Member {
  /** What its points are made of; nutcracker takes host:port where no name is given. */
  readonly name: string;
  readonly weight: number;
}

export interface RingOptions {
  readonly hash: HashName;
  readonly distribution: 'ketama' | 'modula';
  /** Two characters: of a key that holds both, what is between them is hashed. Empty for none. */
  readonly hashTag: string;
}

const POINTS_PER_SERVER = 160;
const POINTS_PER_HASH = 4;

/** A table of points, made once for a list of servers. */
export class Ring {
  readonly #options: RingOptions;
  readonly #values: Uint32Array;
  readonly #owners: Uint16Array;

  /**
   * @param members the servers; those of weight 0 own nothing
   * @throws {Error} when there are none
   */
  constructor(members: readonly Member[], options: RingOptions) {
    if (members.length === 0) throw new Error('a ring needs a server');
    this.#options = options;
    const points = options.distribution === 'ketama' ? ketama(members) : modula(members);
    this.#values = Uint32Array.from(points, ({ value }) => value);
    this.#owners = Uint16Array.from(points, ({ owner }) => owner);
  }

  /** Where the hash tag of a key ends; -1 when it has none. */
  tagEnd(key: Uint8Array): number {
    const tag = this.#options.hashTag;
    const open = tag === '' ? -1 : find(key, tag.charCodeAt(0), 0, key.length);
    const close = open === -1 ? -1 : find(key, tag.charCodeAt(1), open + 1, key.length);
    return close > open + 1 ? close : -1;
  }

  /**
   * The server of a key.
   * @param bytes holds the key, from `start` to `end`
   * @returns its place in the list
   */
  owner(bytes: Uint8Array, start: number, end: number): number {
    let from = start;
    let to = end;
    const tag = this.#options.hashTag;
    if (tag !== '') {
      const open = find(bytes, tag.charCodeAt(0), start, end);
      const close = open === -1 ? -1 : find(bytes, tag.charCodeAt(1), open + 1, end);
      if (close > open + 1) {
        from = open + 1;
        to = close;
      }
    }
    const hash = HASHES[this.#options.hash](bytes, from, to);
    const values = this.#values;
    if (this.#options.distribution === 'modula') return this.#owners[hash % values.length]!;
    // The first point that is not before the hash; after the last comes the first.
    let left = 0;
    let right = values.length;
    while (left < right) {
      const middle = (left + right) >>> 1;
      if (values[middle]! < hash) left = middle + 1;
      else right = middle;
    }
    return this.#owners[left === values.length ? 0 : left]!;
  }
}

function find(bytes: Uint8Array, byte: number, start: number, end: number): number {
  for (let at = start; at < end; at++) if (bytes[at] === byte) return at;
  return -1;
}

interface Point {
  readonly value: number;
  readonly owner: number;
}

/** twemproxy, src/hashkit/nc_ketama.c: 160 points a server of average weight, four of each MD5. */
function ketama(members: readonly Member[]): Point[] {
  const total = members.reduce((sum, { weight }) => sum + weight, 0);
  const points: Point[] = [];
  for (const [owner, { name, weight }] of members.entries()) {
    // In single precision, as there.
    const share = Math.fround(Math.fround(weight) / Math.fround(total));
    const count =
      Math.floor(
        Math.fround(
          Math.fround(Math.fround(share * POINTS_PER_SERVER) / POINTS_PER_HASH) * Math.fround(members.length) +
            0.000_000_000_1,
        ),
      ) * POINTS_PER_HASH;
    for (let index = 0; index < count / POINTS_PER_HASH; index++) {
      const digest = createHash('md5').update(`${name}-${index}`).digest();
      for (let part = 0; part < POINTS_PER_HASH; part++) points.push({ value: digest.readUInt32LE(4 * part), owner });
    }
  }
  return points.toSorted((a, b) => a.value - b.value);
}

/** twemproxy, src/hashkit/nc_modula.c: as many places as a server weighs. */
const modula = (members: readonly Member[]): Point[] =>
  members.flatMap(({ weight }, owner) => Array.from({ length: weight }, (_, value) => ({ value, owner })));

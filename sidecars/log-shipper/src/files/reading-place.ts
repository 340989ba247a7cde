/** The place up to which files are read: how the bytes there are decoded, and how it is moved on. */
import { Chunk, type Encoding } from '../lines/chunk.ts';
import { growHead, readHead, readTail, type Head } from './content.ts';
import { encodingOf, unitOf, type FileEncoding } from './encoding.ts';
import type { Generation } from './generation.ts';
import { findData } from './holes.ts';
import type { Turn } from './turn.ts';

export interface ReadingPlaceOptions {
  /** Its day, or how it begins, became known of a generation; write that down. It is not read before. */
  readonly remember: (generation: Generation) => void;
  /** How files without a byte order mark are encoded. */
  readonly encoding?: FileEncoding;
}

export class ReadingPlace {
  readonly #remember: ReadingPlaceOptions['remember'];
  readonly #declared: FileEncoding;

  constructor({ remember, encoding = 'auto' }: ReadingPlaceOptions) {
    this.#remember = remember;
    this.#declared = encoding;
  }

  encodingOf({ head }: Generation): Encoding {
    return encodingOf(this.#declared, head);
  }

  /** Bytes of a code unit. */
  unitOf({ head }: Generation): 1 | 2 {
    return unitOf(this.#declared, head);
  }

  /** Bytes of a generation that were read at a place of it. */
  chunk(generation: Generation, bytes: Buffer, position: number): Chunk {
    return new Chunk(bytes, this.encodingOf(generation), position);
  }

  /**
   * See how much of its head a file has by now.
   * @returns whether it is news how it begins: then that was written down, and what was read is read again
   */
  grow(generation: Generation, fd: number): boolean {
    const head = growHead(fd, generation.head, this.#declared);
    if (this.#begins(generation, head)) return true;
    generation.head = head;
    return false;
  }

  /** Nothing but NUL is at the reading place: the hole before a line, or room for the next one. */
  skipHole(generation: Generation, fd: number, start: number): Turn {
    const found = findData(fd, Math.max(start, generation.looked), this.unitOf(generation));
    if (found.data === undefined) {
      generation.looked = found.looked;
      return { records: [], bytes: 0, more: !found.end };
    }
    this.#begins(generation, readHead(fd, found.data, this.#declared));
    this.advance(generation, fd, found.data);
    return { records: [], bytes: found.data - start, more: true };
  }

  advance(generation: Generation, fd: number, to: number): void {
    generation.advance(to, readTail(fd, to, generation.head.at));
  }

  /**
   * Note how a file begins of which nothing was known: nothing but a hole, or half a character. A process that is
   * killed would find nothing else to know it by when it is rotated.
   * @returns whether this was news
   */
  #begins(generation: Generation, head: Head): boolean {
    if (generation.head.bytes.length > 0 || head.bytes.length === 0) return false;
    generation.head = head;
    this.#remember(generation);
    return true;
  }
}

/** The place up to which files are read: how the bytes there are decoded, and how it is moved on. */
import { Chunk, type Encoding } from '../../lines/chunk.ts';
import {
  bytesOfTail,
  growHead,
  holds,
  isTelling,
  readHead,
  readTail,
  TAIL_LENGTH,
  tailOf,
  type Head,
  type Tail,
} from '../tracked/content.ts';
import { encodingOf, unitOf, type FileEncoding } from '../tracked/encoding.ts';
import type { Generation } from '../tracked/generation.ts';
import { findData } from '../tracked/holes.ts';
import type { Turn } from './turn.ts';

export interface ReadingPlaceOptions {
  /** Its day, or how it begins, became known of a generation; write that down. It is not read before. */
  readonly remember: (generation: Generation) => void;
  /** How files without a byte order mark are encoded. */
  readonly encoding?: FileEncoding;
}

const NOTHING = Buffer.alloc(0);

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
   * @returns `news`: how it begins was not known; that was written down, and what was read is read again. `other`:
   * the file has another content by now
   */
  grow(generation: Generation, fd: number): 'news' | 'other' | 'same' {
    const head = growHead(fd, generation.head, this.#declared);
    // After the head: it may be that of the content that took the place of what was read.
    const { offset, tail } = generation;
    if (!holds({ offset, tail, head }, fd)) return 'other';
    if (this.#begins(generation, head)) return 'news';
    generation.head = head;
    return 'same';
  }

  /**
   * Nothing but NUL is at the reading place: the hole before a line, or room for the next one.
   * @returns undefined when the file has another content by now
   */
  skipHole(generation: Generation, fd: number, start: number): Turn | undefined {
    const found = findData(fd, Math.max(start, generation.looked), this.unitOf(generation));
    if (found.data === undefined) {
      generation.looked = found.looked;
      return { records: [], bytes: 0, more: !found.end };
    }
    this.#begins(generation, readHead(fd, found.data, this.#declared));
    if (!this.advance(generation, fd, found.data, 0)) return undefined;
    return { records: [], bytes: found.data - start, more: true };
  }

  /**
   * Move on.
   * @param records so many are under way of what is passed
   * @param read what was read from the place on, as far as it is in memory
   * @returns false when the file has another content by now: then it stays
   */
  advance(generation: Generation, fd: number, to: number, records: number, read: Buffer = NOTHING): boolean {
    const tail = this.#tailAt(generation, fd, to, read.subarray(0, to - generation.offset));
    if (tail === undefined) return false;
    generation.inFlight += records;
    generation.advance(to, tail);
    return true;
  }

  /** What the place is known by then; of what is in memory, since the file may be truncated at any time. */
  #tailAt(generation: Generation, fd: number, to: number, read: Buffer): Tail | undefined {
    const { offset, head, tail: before } = generation;
    if (offset + read.length < to || before.at !== offset) {
      const tail = readTail(fd, to, head.at);
      return holds(generation, fd) ? tail : undefined;
    }
    if (read.length >= TAIL_LENGTH || before.length === 0) return tailOf(read.subarray(-TAIL_LENGTH), to);
    const bytes = bytesOfTail(fd, before);
    return bytes && tailOf(Buffer.concat([bytes, read]).subarray(-TAIL_LENGTH), to);
  }

  /**
   * Note how a file begins of which too little was known to tell it from another: nothing but a hole, or half a line.
   * A process that is killed would find nothing else to know it by when it is rotated.
   * @returns whether this was news
   */
  #begins(generation: Generation, head: Head): boolean {
    if (isTelling(generation.head) || head.bytes.length <= generation.head.bytes.length) return false;
    generation.head = head;
    this.#remember(generation);
    return true;
  }
}

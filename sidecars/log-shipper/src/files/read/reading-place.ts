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
import type { TrackedFile } from '../tracked/tracked-file.ts';
import { findData } from '../tracked/holes.ts';
import type { Turn } from './turn.ts';

export interface ReadingPlaceOptions {
  /** Its day, or how it begins, became known of a tracked file; write that down. It is not read before. */
  readonly remember: (tracked: TrackedFile) => void;
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

  encodingOf({ head }: TrackedFile): Encoding {
    return encodingOf(this.#declared, head);
  }

  /** Bytes of a code unit. */
  unitOf({ head }: TrackedFile): 1 | 2 {
    return unitOf(this.#declared, head);
  }

  /** Bytes of a tracked file that were read at a place of it. */
  chunk(tracked: TrackedFile, bytes: Buffer, position: number): Chunk {
    return new Chunk(bytes, this.encodingOf(tracked), position);
  }

  /**
   * See how much of its head a file has by now.
   * @returns `news`: how it begins was not known; that was written down, and what was read is read again. `other`:
   * the file has another content by now
   */
  grow(tracked: TrackedFile, fd: number): 'news' | 'other' | 'same' {
    const head = growHead(fd, tracked.head, this.#declared);
    // After the head: it may be that of the content that took the place of what was read.
    const { offset, tail } = tracked;
    if (!holds({ offset, tail, head }, fd)) return 'other';
    if (this.#begins(tracked, head)) return 'news';
    tracked.head = head;
    return 'same';
  }

  /**
   * Nothing but NUL is at the reading place: the hole before a line, or room for the next one.
   * @returns undefined when the file has another content by now
   */
  skipHole(tracked: TrackedFile, fd: number, start: number): Turn | undefined {
    const found = findData(fd, Math.max(start, tracked.looked), this.unitOf(tracked));
    if (found.data === undefined) {
      tracked.looked = found.looked;
      return { records: [], bytes: 0, more: !found.end };
    }
    this.#begins(tracked, readHead(fd, found.data, this.#declared));
    if (!this.advance(tracked, fd, found.data, 0)) return undefined;
    return { records: [], bytes: found.data - start, more: true };
  }

  /**
   * Move on.
   * @param records so many are under way of what is passed
   * @param read what was read from the place on, as far as it is in memory
   * @returns false when the file has another content by now: then it stays
   */
  advance(tracked: TrackedFile, fd: number, to: number, records: number, read: Buffer = NOTHING): boolean {
    const tail = this.#tailAt(tracked, fd, to, read.subarray(0, to - tracked.offset));
    if (tail === undefined) return false;
    tracked.inFlight += records;
    tracked.advance(to, tail);
    return true;
  }

  /** What the place is known by then; of what is in memory, since the file may be truncated at any time. */
  #tailAt(tracked: TrackedFile, fd: number, to: number, read: Buffer): Tail | undefined {
    const { offset, head, tail: before } = tracked;
    if (offset + read.length < to || before.at !== offset) {
      const tail = readTail(fd, to, head.at);
      return holds(tracked, fd) ? tail : undefined;
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
  #begins(tracked: TrackedFile, head: Head): boolean {
    if (isTelling(tracked.head) || head.bytes.length <= tracked.head.bytes.length) return false;
    tracked.head = head;
    this.#remember(tracked);
    return true;
  }
}

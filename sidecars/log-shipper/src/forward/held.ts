/**
 * A journal of the pieces that wait in the assembler, so that a killed process does not lose what it
 * acknowledged. What changes the assembler is noted here in the same order before anything else is done
 * with it; a new process does it all again, and makes the same events with the same ids, of which the
 * store may have some already. Written anew, with only what waits then, when it is long.
 *
 * A sender that heard no acknowledgement sends its pieces again. They are known by their ids, and not
 * added twice to an event that waits.
 */
import {
  closeSync,
  constants,
  fdatasync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { Backoff, pause } from '#kit/time/backoff.ts';
import { frame, unframe } from '../delivery/spool/frames.ts';
import type { Assembled, Assembler, Piece, Saved } from './assembler.ts';

/**
 * What is noted: a piece that came, an event that was waited for no longer, events that are in the spool;
 * and, where the journal begins anew, what waited and how much of each chunk had come.
 */
type Note<T> =
  | readonly ['piece', first: T, piece: Piece]
  | readonly ['end', kind: 'partial' | 'event', key: string]
  | readonly ['open', saved: Saved<T>]
  | readonly ['done', ids: readonly string[]]
  | readonly ['taken', chunks: readonly (readonly [name: string, next: number])[]];

/** A piece's own name: that of its chunk, `-`, and its place in it, to the base of 36. */
interface Identified {
  readonly id: string;
}

/** Chunks that are remembered, so that one that is sent again is known. */
const CHUNKS = 256;

/** Longer than this it may be written anew, in bytes. */
const LONG = 1024 * 1024;
/** A power cut takes back no more than these milliseconds. */
const FLUSH = 1000;
/** Characters of events that were complete and are not in the spool: the oldest beyond are not restored. */
const MOST_RESTORED = 16 * 1024 * 1024;
/** Bytes of the parts in which the journal is read; larger where a note is. */
const PART = 64 * 1024;
/** Waits between two attempts to write to a full disk, in milliseconds. */
const RETRY = { initial: 50, max: 1000 };

export interface HeldOptions {
  readonly dir: string;
  /** Whether lines are given up rather than waited for when the disk is full. */
  readonly drops: boolean;
  readonly onError: (code: string) => void;
}

export class Held<T extends Identified> {
  readonly #options: HeldOptions;
  readonly #path: string;
  readonly #assembler: Assembler<T>;
  #fd: number;
  #size: number;
  /** Longer than this it is written anew: so that what waits is written again only when as much has come. */
  #long = LONG;
  /** How many pieces of a chunk were taken, those last that came last. */
  readonly #taken = new Map<string, number>();
  /** Written next: the disk was full. */
  #unwritten: Buffer[] = [];
  #flush: NodeJS.Timeout | undefined;
  #closed = false;

  /**
   * @param assembler brought to where an earlier process left it by `restore`
   * @throws when the file can be neither opened nor made
   */
  constructor(assembler: Assembler<T>, options: HeldOptions) {
    this.#options = options;
    this.#assembler = assembler;
    this.#path = join(options.dir, 'held');
    this.#fd = openSync(this.#path, constants.O_RDWR | constants.O_CREAT, 0o640);
    this.#size = fstatSync(this.#fd).size;
  }

  /**
   * Bring the assembler to where an earlier process left it. What cannot be read keeps nobody from starting: a frame
   * that is damaged ends the journal, a note that makes no sense is left out.
   * @param dropped told how many events there were beyond what may be restored, the oldest
   * @returns the events that became complete by that; the spool may have the last of them
   */
  restore(now: number, dropped: (count: number) => void): Assembled<T>[] {
    const events = new Map<string, Assembled<T>>();
    let characters = 0;
    let read = 0;
    const drop = (id: string): void => {
      characters -= events.get(id)?.text.length ?? 0;
      events.delete(id);
    };
    for (const { payload, end } of framesOf(this.#fd, this.#size)) {
      read = end;
      try {
        const note = JSON.parse(payload) as Note<T>;
        if (note[0] === 'done') for (const id of note[1]) drop(id);
        else
          for (const event of this.#apply(note, now)) {
            drop(event.first.id);
            events.set(event.first.id, event);
            characters += event.text.length;
          }
      } catch {
        this.#options.onError('journal');
      }
      for (const id of events.keys()) {
        if (characters <= MOST_RESTORED) break;
        drop(id);
        dropped(1);
      }
    }
    this.#size = read;
    return [...events.values()];
  }

  /** Note a piece, and give it to the assembler. */
  add(first: T, piece: Piece, now: number): Assembled<T>[] {
    if (this.#assembler.keeps(piece)) {
      if (!this.#isNew(first)) return [];
      this.#unwritten.push(frame(JSON.stringify(['piece', first, piece])));
    }
    return this.#assembler.add(first, piece, now);
  }

  /** Wait no longer for what has waited long enough. */
  expire(now: number): Assembled<T>[] {
    const events = this.#assembler.due(now).flatMap(([kind, key]) => {
      this.#unwritten.push(frame(JSON.stringify(['end', kind, key])));
      return this.#assembler.end(kind, key, now);
    });
    this.#write();
    return events;
  }

  /** Events are in the spool. */
  done(events: readonly Assembled<T>[]): void {
    const ids = events.filter(({ waited }) => waited).map(({ first }) => first.id);
    if (ids.length === 0) return;
    this.#unwritten.push(frame(JSON.stringify(['done', ids])));
    this.#write();
  }

  /** Write down what was added. Resolves when it is: late, while the disk is full. */
  async keep(): Promise<void> {
    const backoff = new Backoff(RETRY);
    while (!this.#write() && !this.#closed) await pause(backoff.next());
  }

  /** Write it anew where that makes it shorter; every event that was complete must be in the spool. */
  shorten(): void {
    if (this.#size <= this.#long) return;
    const open = this.#assembler.save().map((saved) => ['open', saved]);
    const notes = [['taken', [...this.#taken]], ...open].map((note) => frame(JSON.stringify(note)));
    const temporary = `${this.#path}.new`;
    let fd: number | undefined;
    try {
      fd = openSync(temporary, 'w+', 0o640);
      const bytes = Buffer.concat(notes);
      writeAll(fd, bytes, 0);
      renameSync(temporary, this.#path);
      closeSync(this.#fd);
      this.#fd = fd;
      this.#size = bytes.length;
      this.#long = Math.max(LONG, 2 * bytes.length);
      this.#unwritten = [];
    } catch (error) {
      if (fd !== undefined) closeSync(fd);
      this.#options.onError((error as NodeJS.ErrnoException).code ?? 'error');
    }
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#flush);
    closeSync(this.#fd);
  }

  /** @returns whether nothing is left to write */
  #write(): boolean {
    if (this.#unwritten.length === 0 || this.#closed) return true;
    const bytes = Buffer.concat(this.#unwritten);
    try {
      writeAll(this.#fd, bytes, this.#size);
    } catch (error) {
      this.#options.onError((error as NodeJS.ErrnoException).code ?? 'error');
      ftruncateSync(this.#fd, this.#size);
      if (this.#options.drops) this.#unwritten = [];
      return this.#options.drops;
    }
    this.#size += bytes.length;
    this.#unwritten = [];
    this.#flush ??= setTimeout(() => {
      this.#flush = undefined;
      // Its error would come up again at the next write.
      if (!this.#closed) fdatasync(this.#fd, () => {});
    }, FLUSH).unref();
    return true;
  }

  #apply(note: Exclude<Note<T>, readonly ['done', ...unknown[]]>, now: number): Assembled<T>[] {
    switch (note[0]) {
      case 'piece':
        return this.#isNew(note[1]) ? this.#assembler.add(note[1], note[2], now) : [];
      case 'end':
        return this.#assembler.end(note[1], note[2], now);
      case 'open':
        return this.#assembler.restore(note[1], now);
      case 'taken':
        for (const [name, next] of note[1]) this.#taken.set(name, next);
        return [];
    }
  }

  /** Whether a piece comes for the first time, which is remembered. */
  #isNew({ id }: Identified): boolean {
    const dash = id.lastIndexOf('-');
    const name = id.slice(0, dash);
    const index = Number.parseInt(id.slice(dash + 1), 36);
    const next = this.#taken.get(name) ?? 0;
    if (index < next) return false;
    this.#taken.delete(name);
    this.#taken.set(name, index + 1);
    if (this.#taken.size > CHUNKS) this.#taken.delete(this.#taken.keys().next().value!);
    return true;
  }
}

/** The notes at the beginning of a file of a size in bytes, up to the first that is damaged or not whole. */
function* framesOf(fd: number, size: number): Generator<{ payload: string; end: number }> {
  let part: Buffer = Buffer.alloc(0);
  let begin = 0;
  let at = 0;
  for (;;) {
    const read = unframe(part, at);
    if (read === 'damaged') return;
    if ('payload' in read) {
      at = read.end;
      yield { payload: read.payload, end: begin + at };
      continue;
    }
    begin += at;
    at = 0;
    if (begin + read.needs > size) return;
    part = Buffer.alloc(Math.min(size - begin, Math.max(PART, read.needs)));
    if (readSync(fd, part, 0, part.length, begin) < read.needs) return;
  }
}

function writeAll(fd: number, bytes: Buffer, position: number): void {
  for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done, undefined, position + done);
}

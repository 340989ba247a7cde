/** What was read and acknowledged, on disk: a killed shipper goes on where the store has come to. */
import {
  closeSync,
  fdatasync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { ConfigurationError } from '#kit/contract/parameters.ts';
import { readKept, UnusableFile } from '#kit/files/kept-file.ts';
import { setAside } from '#kit/files/set-aside.ts';
import type { TrackedFile } from '../files/tracked/tracked-file.ts';
import { parse, save, serialize, serializeAcked, Unusable, type Saved } from './format.ts';

const { randomBytes } = process.getBuiltinModule('node:crypto');

/** Added lines that make it worth while to write it anew, in bytes. */
const LONG = 1024 * 1024;
/** A power cut takes back no more acknowledgements than these milliseconds had; a killed process none. */
const FLUSH_EVERY = 1000;

export class Registry {
  readonly #path: string;
  readonly #sequence: { instance: string; next: number };
  /** What it held when it was opened. */
  readonly found: Saved['trackedFiles'];
  /** There was none. */
  readonly isNew: boolean;
  /** The one that was there could not be read: why, and where it lies now. Files are read from their beginning. */
  readonly damaged: { readonly reason: string; readonly aside: string } | undefined;
  /** When the last scan began, in milliseconds since the epoch; now when there was none. */
  scannedAt: number;
  #fd: number | undefined;
  #closed = false;
  #length = 0;
  #base = 0;
  #flush: NodeJS.Timeout | undefined;
  /** How much is written of how files begin, in bytes. */
  readonly #heads = new WeakMap<TrackedFile, number>();

  /**
   * @param directory where it is, or will be
   * @throws {ConfigurationError} when the directory, or the file in it, may not be read or written
   */
  constructor(directory: string) {
    this.#path = join(directory, 'registry');
    let saved: Saved | undefined;
    let scannedAt = Date.now();
    let isNew = false;
    try {
      mkdirSync(directory, { recursive: true });
      scannedAt = statSync(this.#path, { throwIfNoEntry: false })?.mtimeMs ?? scannedAt;
      saved = read(this.#path);
      isNew = saved === undefined;
    } catch (error) {
      // What cannot be read keeps nobody from starting: no line is lost before none is shipped twice.
      if (!(error instanceof Unusable)) throw refusal(this.#path, error);
      try {
        this.damaged = { reason: error.message, aside: setAside(this.#path) };
      } catch (denied) {
        throw refusal(this.#path, denied);
      }
    }
    saved ??= { instance: randomBytes(9).toString('base64url'), sequence: 0, trackedFiles: [] };
    this.#sequence = { instance: saved.instance, next: saved.sequence };
    this.isNew = isNew;
    this.scannedAt = saved.scannedAt ?? scannedAt;
    this.found = saved.trackedFiles;
  }

  /** A number that no tracked file had before, and the registry's own name. */
  nextFile(): { readonly instance: string; readonly number: number } {
    return { instance: this.#sequence.instance, number: this.#sequence.next++ };
  }

  /**
   * Write all of it, and return when it is on the disk. Tracked files must be in it before anything of
   * them is sent.
   * @param isLast the process ends: nothing more is sent
   * @throws the file system's error; what was there before stays
   */
  write(trackedFiles: Iterable<TrackedFile>, isLast = false): void {
    const { instance, next } = this.#sequence;
    const saved = [...trackedFiles];
    const text = serialize({
      instance,
      sequence: next,
      scannedAt: this.scannedAt,
      trackedFiles: saved.map((each) => save(each, isLast)),
    });
    const temporary = `${this.#path}.new`;
    const fd = openSync(temporary, 'w', 0o600);
    try {
      writeAll(fd, text, 0);
      fsyncSync(fd);
      renameSync(temporary, this.#path);
    } catch (error) {
      closeSync(fd);
      attempt(() => unlinkSync(temporary));
      throw error;
    }
    // The name leads to the new one from here on: what is acknowledged goes there, also when the disk cannot promise
    // yet that the name outlives a power cut.
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = fd;
    this.#base = this.#length = Buffer.byteLength(text);
    this.#noteHeads(saved);
    const directory = openSync(dirname(this.#path), 'r');
    try {
      fsyncSync(directory);
    } finally {
      closeSync(directory);
    }
  }

  /**
   * Add how far the store has come with some tracked files.
   * @throws the file system's error; the next call may succeed
   */
  acknowledge(trackedFiles: Iterable<TrackedFile>): void {
    if (this.#fd === undefined) return;
    const moved = [...trackedFiles];
    const text = serializeAcked(moved, (each) => this.#heads.get(each) !== each.head.bytes.length);
    try {
      this.#length += writeAll(this.#fd, text, this.#length);
    } catch (error) {
      // Half a line is taken away, so that what is added later follows whole ones; where not even that can be done,
      // what is added next is written over it.
      attempt(() => ftruncateSync(this.#fd!, this.#length));
      throw error;
    }
    this.#noteHeads(moved);
    this.#flush ??= setTimeout(() => {
      this.#flush = undefined;
      // Its error would come up again at the next write.
      if (this.#fd !== undefined) fdatasync(this.#fd, () => {});
    }, FLUSH_EVERY).unref();
  }

  #noteHeads(written: readonly TrackedFile[]): void {
    for (const each of written) this.#heads.set(each, each.head.bytes.length);
  }

  /** Whether this process has written it, or writes it no more. */
  get isBegun(): boolean {
    return this.#fd !== undefined || this.#closed;
  }

  /** Whether so much was added that it is worth while to write it anew. */
  get long(): boolean {
    return this.#length - this.#base > LONG;
  }

  close(): void {
    clearTimeout(this.#flush);
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
    this.#closed = true;
  }
}

/** What the disk refuses here is no worse than what it refused before, which is told. */
function attempt(work: () => void): void {
  try {
    work();
  } catch {}
}

function refusal(path: string, error: unknown): ConfigurationError {
  return new ConfigurationError([
    {
      parameter: 'STATE_DIR',
      reason: 'unreadable',
      message: `STATE_DIR: ${path} cannot be used (${(error as NodeJS.ErrnoException).code}); accepted is a directory that this user may write to`,
    },
  ]);
}

/** Longer ones are not read: what tens of thousands of files need, in bytes. */
const LONGEST = 64 * 1024 * 1024;

function read(path: string): Saved | undefined {
  let text: Buffer | undefined;
  try {
    text = readKept(path, LONGEST);
  } catch (error) {
    throw error instanceof UnusableFile ? new Unusable(error.message) : error;
  }
  if (text === undefined) return undefined;
  try {
    return parse(String(text));
  } catch (error) {
    throw error instanceof Unusable ? error : new Unusable('holds what no registry holds');
  }
}

function writeAll(fd: number, text: string, position: number): number {
  const bytes = Buffer.from(text);
  for (let written = 0; written < bytes.length;)
    written += writeSync(fd, bytes, written, bytes.length - written, position + written);
  return bytes.length;
}

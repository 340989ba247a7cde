/**
 * Lines that the store refuses, kept with its reason: JSON lines in `dead-letters.ndjson`, which is
 * set aside as `dead-letters.TIME-N.ndjson` when it is large. Nothing is held open between two writes,
 * so that a replay may take a file away at any time.
 */
import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { LogRecord } from '../lines/record.ts';

/** A line of a dead-letter file. */
export interface DeadLetter {
  readonly time: string;
  readonly status: number;
  readonly reason: string;
  readonly id: string;
  readonly source: string;
  readonly index?: string;
  readonly body: string;
}

/** Added to the name of a file that is being replayed. */
export const REPLAYING = '.replaying';

const NAME = 'dead-letters';
const CURRENT = `${NAME}.ndjson`;
/** Files that hold dead letters; one that is being replayed has another name. */
const FILES = /^dead-letters(\.[\w-]+)?\.ndjson$/;
/** Most files that the directory holds. */
const SHARES = 8;

export interface DeadLettersOptions {
  readonly dir: string;
  /** Most that all files together hold, in bytes. */
  readonly maxBytes: number;
}

export class DeadLetters {
  readonly #options: DeadLettersOptions;

  /** @throws when the directory cannot be made */
  constructor(options: DeadLettersOptions) {
    this.#options = options;
    mkdirSync(options.dir, { recursive: true });
  }

  /** Bytes of all files. */
  get bytes(): number {
    return this.#files().reduce((total, { size }) => total + size, 0);
  }

  /**
   * Keep records; they are on disk when this returns.
   * @returns how many earlier ones had to go to make room
   * @throws when they could not be written; none is kept then
   */
  add(letters: readonly { record: LogRecord; status: number; reason: string }[], now = new Date()): number {
    const text = letters.map(({ record, status, reason }) => lineOf(record, status, reason, now)).join('');
    const path = join(this.#options.dir, CURRENT);
    const fd = openSync(path, 'a', 0o640);
    let size: number;
    try {
      const before = fstatSync(fd).size;
      try {
        // One write: a replay in another process appends to the same file.
        const written = writeSync(fd, text);
        if (written !== Buffer.byteLength(text)) throw new Error('the disk is full');
        fsyncSync(fd);
      } catch (error) {
        ftruncateSync(fd, before);
        throw error;
      }
      size = fstatSync(fd).size;
    } finally {
      closeSync(fd);
    }
    if (size * SHARES >= this.#options.maxBytes) this.#setAside(path, now);
    return this.#makeRoom();
  }

  #setAside(path: string, now: Date): void {
    const stamp = now.toISOString().replaceAll(/[-:.]/g, '');
    const free = (number: number): string => {
      const candidate = join(this.#options.dir, `${NAME}.${stamp}-${number}.ndjson`);
      return existsSync(candidate) ? free(number + 1) : candidate;
    };
    renameSync(path, free(1));
  }

  /** Remove the oldest files until the others fit. */
  #makeRoom(): number {
    const files = this.#files().toSorted((a, b) => a.mtime - b.mtime);
    let bytes = files.reduce((total, { size }) => total + size, 0);
    let dropped = 0;
    while (bytes > this.#options.maxBytes && files.length > 1) {
      const { path, size } = files.shift()!;
      dropped += readFileSync(path).reduce((lines, byte) => (byte === 10 ? lines + 1 : lines), 0);
      rmSync(path);
      bytes -= size;
    }
    return dropped;
  }

  #files(): { path: string; size: number; mtime: number }[] {
    return readdirSync(this.#options.dir)
      .filter((name) => FILES.test(name))
      .map((name) => {
        const path = join(this.#options.dir, name);
        const { size, mtimeMs } = statSync(path);
        return { path, size, mtime: mtimeMs };
      });
  }
}

/**
 * The dead-letter files of a directory, oldest first; those that a killed replay left come first.
 * @returns paths
 */
export function deadLetterFiles(dir: string): string[] {
  const age = (path: string): number => (path.endsWith(REPLAYING) ? 0 : statSync(path).mtimeMs);
  return readdirSync(dir)
    .filter((name) => FILES.test(name.replace(REPLAYING, '')))
    .map((name) => join(dir, name))
    .toSorted((a, b) => age(a) - age(b));
}

function lineOf({ id, source, index, body }: LogRecord, status: number, reason: string, now: Date): string {
  const letter: DeadLetter = {
    time: now.toISOString(),
    status,
    reason,
    id,
    source,
    ...(index !== undefined && { index }),
    body,
  };
  return `${JSON.stringify(letter)}\n`;
}

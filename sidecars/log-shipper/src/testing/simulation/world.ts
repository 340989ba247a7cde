/** Applications that write logs and logrotate that rotates them, one system call after another. */
import type { FileSystem } from '#kit/testing/simulation/file-system.ts';
import { ROOT } from '#kit/testing/simulation/install.ts';
import type { Machine, Program } from '#kit/testing/simulation/machine.ts';
import type { Random } from '#kit/testing/simulation/random.ts';

const { gunzipSync, gzipSync } = process.getBuiltinModule('node:zlib');

export const LOGS = `${ROOT}/logs`;

export interface Rotation {
  readonly mode: 'create' | 'nocreate' | 'copytruncate';
  readonly compress: 'no' | 'at once' | 'delayed';
  /** How often, in milliseconds. */
  readonly every: number;
  readonly times: number;
  /** How many rotated files are kept; older ones are deleted. */
  readonly keep: number;
  /** How long one of its system calls takes, in milliseconds. */
  readonly callTime: readonly [number, number];
}

/** Text of which no part is like another, in this line or any other: the two halves of a torn line are told apart. */
const filler = (line: number, length: number): string =>
  Array.from({ length: Math.ceil(length / 6) }, (_, part) => (line * 100 + part).toString(36).padStart(5, '0'))
    .join(' ')
    .slice(0, length);

/** An application with one log. */
export class Application {
  readonly path: string;
  /** All lines in their order, without their newlines. */
  readonly written: string[] = [];
  /** When each of them was begun, in milliseconds since the machine was started. */
  readonly writtenAt: number[] = [];
  readonly #machine: Machine;
  readonly #files: FileSystem;
  readonly #random: Random;
  #fd: number;
  /** The end of a line that is half written. */
  #rest = '';
  #reopen = false;

  constructor(machine: Machine, name: string) {
    const { files, random } = machine;
    this.path = `${LOGS}/${name}`;
    this.#machine = machine;
    this.#files = files;
    this.#random = random;
    this.#fd = this.#open();
  }

  /** Write. @param pauses between two writes, least and most, in milliseconds; @param count how many writes */
  *write(count: number, pauses: readonly [number, number]): Program {
    for (let turn = 0; turn < count; turn++) {
      yield this.#random.between(...pauses);
      this.#renew();
      const lines = Array.from({ length: this.#random.pick([1, 1, 1, 2, 5, 20]) }, () => this.#line());
      const text = `${this.#rest}${lines.join('\n')}\n`;
      const cut = this.#random.chance(0.1) ? this.#random.int(1, text.length - 1) : text.length;
      this.#put(text.slice(0, cut));
      this.#rest = text.slice(cut);
    }
    this.#put(this.#rest);
    this.#rest = '';
  }

  /** logrotate has told it that its log was renamed. */
  hup(): void {
    this.#reopen = true;
  }

  #line(): string {
    const number = this.written.length;
    const line = `${this.path.slice(LOGS.length + 1)}#${number} ${filler(number, this.#random.pick([0, 3, 30, 300]))}`;
    this.written.push(line);
    this.writtenAt.push(this.#machine.now);
    return line;
  }

  #renew(): void {
    if (!this.#reopen || this.#rest !== '') return;
    this.#reopen = false;
    this.#files.close(this.#fd);
    this.#fd = this.#open();
  }

  #open(): number {
    return this.#files.open(this.path, { write: true, create: true, append: true }, this.path);
  }

  #put(text: string): void {
    if (text !== '') this.#files.write(this.#fd, Buffer.from(text));
  }
}

/** logrotate with one configuration for some logs. */
export class Logrotate {
  /** Lines that were deleted, and when, in milliseconds since the machine was started. */
  readonly deleted = new Map<string, number>();
  readonly #machine: Machine;
  readonly #files: FileSystem;
  readonly #random: Random;
  readonly #logs: readonly Application[];
  readonly #rotation: Rotation;

  constructor(machine: Machine, logs: readonly Application[], rotation: Rotation) {
    const { files, random } = machine;
    this.#machine = machine;
    this.#files = files;
    this.#random = random;
    this.#logs = logs;
    this.#rotation = rotation;
  }

  *run(): Program {
    for (let turn = 0; turn < this.#rotation.times; turn++) {
      yield this.#rotation.every;
      for (const log of this.#logs) yield* this.#rotate(log);
    }
  }

  get #call(): number {
    return this.#random.between(...this.#rotation.callTime);
  }

  *#rotate(log: Application): Program {
    const { path } = log;
    const { mode, compress, keep } = this.#rotation;
    if ((this.#files.at(path)?.size ?? 0) === 0) return;
    if (compress === 'delayed' && this.#files.at(`${path}.1`) !== undefined) yield* this.#compress(`${path}.1`);
    for (let number = 40; number > 0; number--) {
      for (const suffix of ['', '.gz']) {
        const from = `${path}.${number}${suffix}`;
        if (this.#files.at(from) === undefined) continue;
        yield this.#call;
        this.#files.rename(from, `${path}.${number + 1}${suffix}`);
      }
    }
    yield this.#call;
    if (mode === 'copytruncate') yield* this.#copyTruncate(path);
    else {
      this.#files.rename(path, `${path}.1`);
      if (mode === 'create') {
        yield this.#call;
        // The application may have made it.
        if (this.#files.at(path) === undefined)
          this.#files.close(this.#files.open(path, { write: true, create: true, exclusive: true }, 'logrotate'));
      }
      yield this.#call;
      log.hup();
    }
    if (compress === 'at once') yield* this.#compress(`${path}.1`);
    for (const old of [`${path}.${keep + 1}`, `${path}.${keep + 1}.gz`]) {
      if (this.#files.at(old) === undefined) continue;
      yield this.#call;
      for (const line of linesOf(this.#files, old)) this.deleted.set(line, this.#machine.now);
      this.#files.unlink(old);
    }
  }

  *#copyTruncate(path: string): Program {
    const from = this.#files.open(path, {}, 'logrotate');
    const to = this.#files.open(`${path}.1`, { write: true, create: true, exclusive: true }, 'logrotate', 0o600);
    const buffer = Buffer.alloc(this.#random.pick([64, 1024, 16_384]));
    for (;;) {
      yield this.#call;
      const count = this.#files.read(from, buffer);
      if (count === 0) break;
      yield this.#call;
      this.#files.write(to, buffer.subarray(0, count));
    }
    this.#files.close(to);
    yield this.#call;
    this.#files.truncate(this.#files.descriptor(from).inode, 0);
    this.#files.close(from);
  }

  *#compress(path: string): Program {
    yield this.#call;
    const { modified } = this.#files.find(path);
    const from = this.#files.open(path, {}, 'gzip');
    const to = this.#files.open(`${path}.gz`, { write: true, create: true, exclusive: true }, 'gzip', 0o600);
    yield this.#call;
    const packed = gzipSync(this.#files.contentOf(path));
    const piece = this.#random.pick([64, 4096]);
    for (let at = 0; at < packed.length; at += piece) {
      this.#files.write(to, packed.subarray(at, at + piece));
      yield this.#call;
    }
    this.#files.close(to);
    this.#files.close(from);
    this.#files.touch(`${path}.gz`, modified);
    yield this.#call;
    this.#files.unlink(path);
  }
}

/** All lines that are in files, in whatever file. */
export function linesInFiles(files: FileSystem): Set<string> {
  const found = new Set<string>();
  for (const name of files.list(LOGS)) for (const line of linesOf(files, `${LOGS}/${name}`)) found.add(line);
  return found;
}

/** The lines in one of them. */
function linesOf(files: FileSystem, path: string): string[] {
  const bytes = files.contentOf(path);
  const text = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
  return text.split('\n').slice(0, -1);
}

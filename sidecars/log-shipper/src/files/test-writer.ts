/** For tests: a legacy application that writes a log file, and its logrotate, a step at a time; and a file beside it. */
import {
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  fstatSync,
  futimesSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { gzipSync } from 'node:zlib';

/** When logrotate compresses: what it has just rotated, or the one before; slowly: scans see gzip at work. */
export type Compress = 'no' | 'at once' | 'later' | 'slowly';

interface Clock {
  /** In milliseconds since the epoch. */
  readonly now: () => number;
  readonly pass: (ms: number) => void;
}

/** A legacy application with one log file, and its logrotate. */
export class Writer {
  readonly #path: string;
  readonly #append: boolean;
  #fd: number;
  #position = 0;
  /** All lines in the order in which they were written. */
  readonly written: string[] = [];
  /** Lines that some scan could see, in a file that was not compressed. */
  readonly #visible = new Set<string>();
  /** Lines in the files that a scan has just listed, and that were not taken away before it opened them. */
  #listed: string[] = [];
  /** Lines that were renamed, copied or compressed before: their file is found, and may be found late. */
  readonly unseen = new Set<string>();
  /** Lines that the file system lost, or may have, before anybody could read them. */
  readonly excused = new Set<string>();
  /** Lines that a scan has seen that nobody disturbed, since the process began. */
  readonly seen = new Set<string>();
  #half: string | undefined;
  #rotating = false;
  /** How often something was done to files. */
  acts = 0;
  /** What is left to do of a copytruncate that takes its time. */
  #stages: (() => void)[] = [];
  #scanning = false;
  #scanned: 'never' | 'just now' | 'before' = 'never';
  /** What gzip is at work on. */
  #packing: string | undefined;
  /** Of which files are dated. */
  readonly #clock: Clock;

  constructor(path: string, append: boolean, clock: Clock) {
    this.#path = path;
    this.#append = append;
    this.#clock = clock;
    this.#fd = this.#open();
  }

  /** Lines that are in the file and nowhere else. */
  get inFile(): string[] {
    return linesOf(this.#path);
  }

  #open(): number {
    const fd = openSync(this.#path, constants.O_WRONLY | constants.O_CREAT | (this.#append ? constants.O_APPEND : 0));
    this.#position = fstatSync(fd).size;
    return fd;
  }

  /** Something is done to files. Be later, as file systems tell the time, than the scan that has begun last. */
  #act(): void {
    this.acts += 1;
    if (this.#scanned !== 'just now') return;
    this.#clock.pass(2);
    this.#scanned = 'before';
  }

  #write(text: string): void {
    this.#act();
    writeSync(this.#fd, text, this.#append ? null : this.#position);
    this.#position += Buffer.byteLength(text);
    futimesSync(this.#fd, this.#clock.now() / 1000, this.#clock.now() / 1000);
  }

  /** @param part how much of it, of 1 */
  #copy(to: string, part = 1): void {
    this.#act();
    copyFileSync(this.#path, to);
    truncateSync(to, Math.ceil(statSync(to).size * part));
    utimesSync(to, this.#clock.now() / 1000, this.#clock.now() / 1000);
  }

  lines(count: number, padding: number): void {
    if (this.#half !== undefined) this.complete();
    for (let index = 0; index < count; index++) {
      const line = `${this.written.length}${'x'.repeat(padding)}`;
      this.written.push(line);
      this.#write(`${line}\n`);
    }
  }

  half(): void {
    if (this.#half !== undefined) return;
    this.#half = `${this.written.length}-half`;
    this.#write(`${this.written.length}-`);
  }

  complete(): void {
    if (this.#half === undefined) return;
    this.written.push(this.#half);
    this.#half = undefined;
    this.#write('half\n');
  }

  reopen(): void {
    this.complete();
    closeSync(this.#fd);
    this.#fd = this.#open();
  }

  /** app.log.1 becomes app.log.2, and so on. */
  #shift(): void {
    this.ended();
    this.#act();
    for (let number = 30; number > 0; number--)
      for (const suffix of ['', '.gz']) {
        const path = `${this.#path}.${number}${suffix}`;
        if (existsSync(path)) renameSync(path, `${this.#path}.${number + 1}${suffix}`);
      }
  }

  /** `create`: the writer keeps its descriptor until it reopens. */
  rename(late: number): void {
    this.complete();
    this.#shift();
    renameSync(this.#path, `${this.#path}.1`);
    this.lines(late, 3);
    this.reopen();
  }

  async copyTruncate(between: number, look: () => Promise<void>): Promise<void> {
    this.complete();
    this.#shift();
    this.#copy(`${this.#path}.1`);
    this.#rotating = true;
    await look();
    this.#rotating = false;
    this.lines(between, 2);
    this.#truncate(`${this.#path}.1`);
  }

  /** The same while nobody has the time to look; there is one logrotate. */
  copyTruncateAtOnce(between: number, compress: Compress): void {
    if (this.#rotating) return;
    this.ended();
    this.#take();
    this.complete();
    const copy = `${this.#path}.1`;
    // The copy before is compressed, and the new one has its inode.
    if (compress === 'later' && existsSync(copy)) {
      this.#pack(copy);
      renameSync(copy, `${copy}.inode`);
      this.#shift();
      renameSync(`${copy}.inode`, copy);
    } else this.#shift();
    this.#copy(copy);
    this.lines(between, 2);
    this.#truncate(copy);
    if (compress === 'at once') this.compress(copy);
    if (compress === 'slowly') this.#packSlowly(copy);
  }

  /**
   * The same, in stages: the copy begins, is complete, the original is truncated, more is written.
   * @param part how much of the copy is there at first, of 1
   */
  copyTruncateSlowly(part: number, between: number, after: number, compress: Compress): void {
    if (this.#rotating) return;
    this.complete();
    this.#shift();
    const copy = `${this.#path}.1`;
    this.#copy(copy, part);
    this.#stages = [
      () => {
        this.complete();
        this.#copy(copy);
      },
      () => this.lines(between, 2),
      () => this.#truncate(copy),
      () => {
        this.lines(after, 40);
        if (compress === 'at once') this.compress(copy);
        if (compress === 'slowly') this.#packSlowly(copy);
      },
    ];
  }

  /** The next stage. @returns whether there was one */
  next(): boolean {
    const stage = this.#stages.shift();
    stage?.();
    return stage !== undefined;
  }

  /** Whatever logrotate has begun is ended. */
  ended(): void {
    while (this.next());
    this.packed();
  }

  /** What is in the file is about to go. @returns it */
  #take(): string[] {
    this.#act();
    const taken = this.inFile;
    // Opened by another scan, after what takes its place.
    if (this.#scanning) for (const line of taken) if (!this.#visible.has(line)) this.unseen.add(line);
    this.#listed = this.#listed.filter((line) => !taken.includes(line));
    return taken;
  }

  /** `create` in the same way; the writer is told, and logrotate waits for it. */
  renameAtOnce(compress: Compress): void {
    if (this.#rotating) return;
    this.ended();
    const taken = this.#take();
    // It is opened under its new name, perhaps by another scan, after what comes now.
    for (const line of taken) if (!this.#visible.has(line)) this.unseen.add(line);
    this.complete();
    const to = `${this.#path}.1`;
    if (compress === 'later' && existsSync(to)) this.compress(to);
    this.#shift();
    renameSync(this.#path, to);
    this.reopen();
    if (compress === 'at once') this.compress(to);
    if (compress === 'slowly') this.#packSlowly(to);
  }

  /** What no scan has opened may be found late: names move for as long as a scan tries, and it takes in the others. */
  overlooked(): void {
    const numbered = [...Array(32).keys()].map((each) => `${this.#path}.${each}`);
    for (const line of numbered.filter(existsSync).flatMap(linesOf))
      if (!this.#visible.has(line)) this.unseen.add(line);
  }

  /** What was written since the copy was complete is lost. */
  #truncate(copy: string): void {
    this.complete();
    const copied = linesOf(copy);
    for (const line of this.#take()) if (!copied.includes(line)) this.excused.add(line);
    truncateSync(this.#path, 0);
  }

  truncate(): void {
    this.ended();
    this.complete();
    this.#take();
    for (const line of this.inFile) this.excused.add(line);
    truncateSync(this.#path, 0);
  }

  /** The file is removed and made anew, perhaps with the same inode. */
  recreate(): void {
    this.ended();
    this.complete();
    this.#take();
    for (const line of this.inFile) this.excused.add(line);
    unlinkSync(this.#path);
    this.reopen();
  }

  /** Compress a rotated file. */
  compress(path: string): void {
    if (this.#packing !== undefined) return;
    this.#pack(path);
    unlinkSync(path);
  }

  /** Compress the oldest rotated file. */
  compressOldest(): void {
    while (this.next());
    const oldest = [...Array(30).keys()].map((each) => `${this.#path}.${each + 1}`).findLast(existsSync);
    if (oldest !== undefined) this.compress(oldest);
  }

  /** gzip begins; logrotate has made the file for it. */
  #packSlowly(path: string): void {
    this.#act();
    writeFileSync(`${path}.gz`, '');
    this.#packing = path;
  }

  /** gzip has ended. */
  packed(): void {
    const path = this.#packing;
    this.#packing = undefined;
    if (path !== undefined) this.compress(path);
  }

  #pack(path: string): void {
    this.#act();
    const lines = linesOf(path);
    // What was compressed before the first scan is history.
    if (this.#scanned === 'never') for (const line of lines) this.excused.add(line);
    if (!lines.some((line) => this.#visible.has(line))) for (const line of lines) this.unseen.add(line);
    const { atimeMs, mtimeMs } = statSync(path);
    writeFileSync(`${path}.gz`, gzipSync(readFileSync(path)));
    utimesSync(`${path}.gz`, atimeMs / 1000, mtimeMs / 1000);
  }

  /** A scan has ended that nobody disturbed. */
  sees(): void {
    const plain = [this.#path, ...[...Array(32).keys()].map((each) => `${this.#path}.${each}`)];
    for (const line of plain.filter(existsSync).flatMap(linesOf)) this.seen.add(line);
  }

  /** A scan begins. */
  listed(): void {
    this.#scanning = true;
    this.#scanned = 'just now';
    const numbered = [...Array(32).keys()].map((each) => `${this.#path}.${each}`);
    this.#listed = [this.#path, ...numbered].filter(existsSync).flatMap(linesOf);
  }

  /** It has opened all that it found. */
  opened(): void {
    this.#scanning = false;
    for (const line of this.#listed) this.#visible.add(line);
  }

  close(): void {
    this.ended();
    this.complete();
    closeSync(this.#fd);
  }
}

const linesOf = (path: string): string[] => readFileSync(path, 'utf8').replaceAll('\0', '').split('\n').slice(0, -1);

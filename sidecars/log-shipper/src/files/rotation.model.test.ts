/**
 * Any sequence of what writers, rotation and operators do to files, against what arrives: every line
 * once, under one id, in order; but for those that copytruncate or truncation themselves lose.
 */
import {
  appendFileSync,
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  truncateSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Rig } from './test-rig.ts';

/** A legacy application with one log file, and its logrotate. */
class Writer {
  readonly #path: string;
  readonly #append: boolean;
  #fd: number;
  #position = 0;
  /** All lines in the order in which they were written. */
  readonly written: string[] = [];
  /** Lines that the file system lost, or may have, before anybody could read them. */
  readonly excused = new Set<string>();
  #half: string | undefined;

  constructor(path: string, append: boolean) {
    this.#path = path;
    this.#append = append;
    this.#fd = this.#open();
  }

  /** Lines that are in the file and nowhere else. */
  get inFile(): string[] {
    return readFileSync(this.#path, 'utf8').replaceAll('\0', '').split('\n').slice(0, -1);
  }

  #open(): number {
    const fd = openSync(this.#path, constants.O_WRONLY | constants.O_CREAT | (this.#append ? constants.O_APPEND : 0));
    this.#position = fstatSync(fd).size;
    return fd;
  }

  #write(text: string): void {
    writeSync(this.#fd, text, this.#append ? null : this.#position);
    this.#position += Buffer.byteLength(text);
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
    for (let number = 30; number > 0; number--)
      if (existsSync(`${this.#path}.${number}`)) renameSync(`${this.#path}.${number}`, `${this.#path}.${number + 1}`);
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
    copyFileSync(this.#path, `${this.#path}.1`);
    await look();
    const from = this.written.length;
    this.lines(between, 2);
    for (const line of this.written.slice(from)) this.excused.add(line);
    truncateSync(this.#path, 0);
  }

  truncate(): void {
    this.complete();
    for (const line of this.inFile) this.excused.add(line);
    truncateSync(this.#path, 0);
  }

  /** The file is removed and made anew, perhaps with the same inode. */
  recreate(): void {
    this.complete();
    for (const line of this.inFile) this.excused.add(line);
    unlinkSync(this.#path);
    this.reopen();
  }

  compress(): void {
    const oldest = [...Array(30).keys()]
      .map((each) => `${this.#path}.${each + 1}`)
      .findLast((path) => existsSync(path));
    if (oldest === undefined) return;
    for (const line of readFileSync(oldest, 'utf8').replaceAll('\0', '').split('\n')) this.excused.add(line);
    appendFileSync(`${oldest}.gz`, Buffer.from('1f8b0800000000000003', 'hex'));
    unlinkSync(oldest);
  }

  close(): void {
    this.complete();
    closeSync(this.#fd);
  }
}

type Step = (writer: Writer, rig: Rig) => void | Promise<void>;

/** A step that a counterexample shows by its name. */
interface Named {
  readonly run: Step;
  readonly [fc.toStringMethod]: () => string;
}
const named = (name: string, run: Step): Named => ({ run, [fc.toStringMethod]: () => name });
const count = fc.nat(4);
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(fc.integer({ min: 1, max: 5 }), fc.constantFrom(0, 1, 20, 700, 5000))
      .map(([lines, padding]) => named(`lines(${lines}, ${padding})`, (writer) => writer.lines(lines, padding))),
  },
  { weight: 1, arbitrary: fc.constant(named('half', (writer) => writer.half())) },
  { weight: 1, arbitrary: fc.constant(named('complete', (writer) => writer.complete())) },
  { weight: 2, arbitrary: count.map((late) => named(`rename(${late})`, (writer) => writer.rename(late))) },
  {
    weight: 2,
    arbitrary: fc.tuple(count, fc.nat(2)).map(([between, looks]) =>
      named(`copyTruncate(${between}, ${looks})`, (writer, rig) =>
        writer.copyTruncate(between, async () => {
          if (looks > 0) await rig.look();
          if (looks > 1) rig.deliver();
        }),
      ),
    ),
  },
  { weight: 1, arbitrary: fc.constant(named('truncate', (writer) => writer.truncate())) },
  { weight: 1, arbitrary: fc.constant(named('recreate', (writer) => writer.recreate())) },
  { weight: 1, arbitrary: fc.constant(named('compress', (writer) => writer.compress())) },
  { weight: 1, arbitrary: fc.constant(named('reopen', (writer) => writer.reopen())) },
  { weight: 6, arbitrary: fc.constant(named('look', (_writer, rig) => rig.look())) },
  { weight: 2, arbitrary: fc.constant(named('scan', (_writer, rig) => rig.input.scan())) },
  { weight: 2, arbitrary: fc.constant(named('poll', (_writer, rig) => rig.input.step())) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.nat(20), fc.nat(20))
      .map(([taken, heard]) =>
        named(`deliver(${taken}, ${heard})`, (_writer, rig) => rig.deliver(taken, Math.min(heard, taken))),
      ),
  },
  { weight: 2, arbitrary: fc.constant(named('kill', (_writer, rig) => rig.restart())) },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom(200, 1500, 7000)
      .map((ms) => named(`wait(${ms})`, (_writer, rig) => void (rig.now += ms))),
  },
);

async function check(append: boolean, maxOpen: number, multiline: boolean, steps: readonly Named[]): Promise<void> {
  // Every other line belongs to the one before it.
  const rig = new Rig({ maxOpen, ...(multiline && { multiline: /^\d*[02468](?:\D|$)/ }) });
  mkdirSync(rig.logs, { recursive: true });
  const writer = new Writer(join(rig.logs, 'app.log'), append);
  try {
    for (const { run } of steps) await run(writer, rig);
    writer.close();
    await rig.finish();
    const arrived = rig.messages.flatMap((message) => message.split('\n'));
    const missing = writer.written.filter((line) => !arrived.includes(line) && !writer.excused.has(line));
    assert.equal(missing, [], 'lines that did not arrive');
    const twice = arrived.filter((line, index) => arrived.indexOf(line) !== index);
    assert.equal(twice, [], 'lines that arrived twice');
    const strange = arrived.filter((line) => !writer.written.includes(line));
    assert.equal(strange, [], 'lines that nobody wrote');
    const order = arrived.map((line) => writer.written.indexOf(line));
    assert.equal(
      order,
      order.toSorted((a, b) => a - b),
      'the order of arrival',
    );
  } finally {
    rig.remove();
  }
}

for (const append of [true, false]) {
  for (const multiline of [false, true]) {
    const who = append ? 'an appending writer' : 'a writer that keeps its place';
    test(`${who}: each ${multiline ? 'event of two lines' : 'line'} once and in order, whatever happens`, async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(step, { minLength: 5, maxLength: 40, size: 'max' }),
          fc.constantFrom(2, 64),
          (steps, maxOpen) => check(append, maxOpen, multiline, steps),
        ),
        { numRuns: Number(process.env['MODEL_RUNS'] ?? 60), includeErrorInReport: true },
      );
    });
  }
}

test.run();

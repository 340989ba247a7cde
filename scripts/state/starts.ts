/**
 * No state on disk keeps a program from starting: emptied, cut in two, garbled, longer than memory, a directory, or with
 * what nobody expects. It is counted. Each of the test files beside this one has some of the programs.
 */
import { cpSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { startProgram, type Program } from '#kit/testing/program.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { Random } from '../attack/random.ts';
import { ROOT } from '../lib/stacks.ts';

export const top = temporaryDirectory('state');
const random = new Random(1);

/** A file that a program is given. */
export const file = (name: string, text: string): string => {
  writeFileSync(join(top, name), text, { mode: 0o600 });
  return join(top, name);
};

/** A program that keeps state. */
export interface Subject {
  readonly main: string;
  /** Options of node. */
  readonly options?: readonly string[];
  /** @param state the directory of its state */
  readonly env: (state: string) => Promise<Record<string, string>>;
  /** What is written by then, as paths in that directory. */
  readonly keeps: readonly RegExp[];
  /** The metric that tells of garbled state; absent where what is lost is made again, and nobody has to know. */
  readonly counted?: string;
  /** Make it write its state. */
  readonly fill?: (program: Program) => Promise<unknown>;
}

export const start = async ({ main, options = [] }: Pick<Subject, 'main' | 'options'>, env: Record<string, string>) =>
  await startProgram([...options, join(ROOT, main)], env);

/** A file so long is not read whole, in bytes: a container has no memory for it. */
const LONG = 1024 ** 3;
/** In KB; from source, with its compiler, a program takes more than its image. */
const MOST_MEMORY = 400 * 1024;

export const filesIn = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(directory, join(parentPath, name)));

/** The most memory that a program had until now, in KB. */
const peakOf = ({ child: { pid } }: Program): number =>
  Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]);

/** What happens to each file. */
export const DAMAGES: Readonly<Record<string, (path: string) => void>> = {
  emptied: (path) => truncateSync(path),
  'cut in two': (path) => truncateSync(path, Math.floor(lstatSync(path).size / 2)),
  garbled: (path) => writeFileSync(path, Buffer.from(readFileSync(path).map(() => random.below(256)))),
  'longer than it ever gets': (path) => truncateSync(path, LONG),
  'a directory': (path) => {
    // By another link it may be one already.
    rmSync(path, { recursive: true });
    mkdirSync(path);
  },
  'of another kind': (path) => writeFileSync(path, '{"version": 1e9, "a": [null, {"b": "'),
  'nothing in JSON': (path) => writeFileSync(path, 'null'),
};

/** A test for each of them. */
export function testStarts(subjects: Readonly<Record<string, Subject>>): void {
  for (const [name, subject] of Object.entries(subjects))
    test(`${name} starts whatever has become of its state`, async () => {
      const kept = join(top, `${name}-kept`);
      mkdirSync(kept);
      const { env, fill, keeps, counted } = subject;
      const first = await start(subject, await env(kept));
      await first.up();
      await fill?.(first);
      await eventually('its state is written', () =>
        keeps.every((each) => filesIn(kept).some((path) => each.test(path))),
      );
      await first.stop();
      const files = filesIn(kept);
      for (const [damage, harm] of Object.entries(DAMAGES)) {
        const state = join(top, `${name}-harmed`);
        cpSync(kept, state, { recursive: true, verbatimSymlinks: true });
        for (const path of files) harm(join(state, path));
        const program = await start(subject, await env(state));
        await program
          .up()
          .catch((error: Error) => assert.unreachable(`${damage} (${files.join(', ')}): ${error.message}`));
        const peak = peakOf(program);
        assert.ok(peak < MOST_MEMORY, `${damage}: ${peak} KB`);
        if (damage === 'garbled' && counted !== undefined) assert.ok((await program.metric(counted)) > 0, counted);
        await program.stop();
        rmSync(state, { recursive: true });
      }
    });
}

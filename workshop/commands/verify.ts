/**
 * Are the exercises right? Each is red at start, green after its solution (after every one that it has), red after
 * reset, and red for what only looks like a solution; the commands that its lesson prints run.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { explain } from '#kit/text/explain.ts';
import { thisClone } from '../../scripts/lib/clone.ts';
import { lastLines, run } from '../../scripts/lib/run.ts';
import { ROOT } from '../../scripts/lib/stacks.ts';
import { longestFirst, noteDurations, readDurations } from '../../scripts/runner/durations.ts';
import { commandBlocks } from '../../scripts/test/readme-blocks.ts';
import { walkThrough } from '../course/walk.ts';
import { variants, type Place } from '../lessons/exercise.ts';
import { unindented } from '../lessons/lesson.ts';
import { Session, type Result } from '../lessons/session.ts';
import { Workspace } from '../lessons/workspace.ts';

/** How a lesson says that a block of commands is run here, and when. */
export const RUN_AT_START = 'verify, at start';
export const RUN_WHEN_SOLVED = 'verify, when solved';

export interface VerifyOptions {
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
  /** How many exercises at a time. */
  readonly jobs: number;
}

export interface Verified {
  readonly passed: number;
  readonly failed: number;
}

const GREEN_MS = 300_000;
const COMMAND_MS = 60_000;
const EVERY = 300;

/** An exercise's name among the durations. */
const nameOf = ({ name }: Place): string => `workshop/${name}`;

/** Verify exercises, several side by side, those first that took longest. */
export async function verify(all: readonly Place[], { print, signal, jobs }: VerifyOptions): Promise<Verified> {
  await thisClone();
  const run = `workshop-${randomBytes(3).toString('hex')}`;
  const workspace = new Workspace(join(ROOT, 'artifacts', run), run);
  // Each once, whatever it was called by: two of one name would be one project.
  const once = [...new Map(all.map((place) => [place.name, place])).values()];
  const waiting = longestFirst(once, readDurations(ROOT), nameOf);
  const durations: Record<string, number> = {};
  let passed = 0;
  let failed = 0;
  const worker = async (): Promise<void> => {
    for (let place = waiting.shift(); place !== undefined && !signal.aborted; place = waiting.shift()) {
      const one = new Verification(new Session(place, workspace), print, signal);
      const began = performance.now();
      await one.run();
      if (one.failed === 0) durations[nameOf(place)] = Math.round(performance.now() - began);
      passed += one.passed;
      failed += one.failed;
    }
  };
  try {
    await Promise.all(Array.from({ length: jobs }, worker));
  } finally {
    rmSync(workspace.root, { recursive: true, force: true });
    noteDurations(ROOT, durations);
  }
  return { passed, failed };
}

/** One exercise's. */
class Verification {
  passed = 0;
  failed = 0;
  readonly #session: Session;
  readonly #print: (line: string) => void;
  readonly #signal: AbortSignal;

  constructor(session: Session, print: (line: string) => void, signal: AbortSignal) {
    this.#session = session;
    this.#print = print;
    this.#signal = signal;
  }

  async run(): Promise<void> {
    const { place } = this.#session;
    const started = performance.now();
    try {
      const complaint = await this.#session.begin(this.#signal);
      const begun = (performance.now() - started) / 1000;
      if (complaint !== undefined) this.#print(`  ${place.name}: at start compose says: ${complaint}`);
      await this.#step('red at start', () => this.#red());
      await this.#commands(RUN_AT_START);
      const [reference = 'solution', ...others] = variants(place, 'solution');
      const edited = performance.now();
      await this.#step(`green after ${reference}`, () => this.#green(reference));
      this.#tellWalk(begun + (performance.now() - edited) / 1000);
      await this.#commands(RUN_WHEN_SOLVED);
      await this.#session.reset(this.#signal);
      await this.#step('red after reset', () => this.#red());
      for (const other of others) {
        await this.#step(`green after ${other}`, () => this.#green(other));
        await this.#session.reset(this.#signal);
      }
      for (const [index, fake] of variants(place, 'fake').entries()) {
        if (index > 0) await this.#session.reset(this.#signal);
        await this.#session.take(fake, this.#signal);
        await this.#step(`red after ${fake}`, () => this.#red());
      }
    } catch (error) {
      this.#fail(explain(error));
    } finally {
      await this.#session.end().catch((error: unknown) => this.#fail(`end: ${explain(error)}`));
    }
    this.#print(`${this.failed === 0 ? 'ok' : 'FAILED'} ${place.name} (${this.passed} passed, ${seconds(started)} s)`);
  }

  /** @param engine seconds that a learner waits for the engine */
  #tellWalk(engine: number): void {
    const { place } = this.#session;
    const walk = walkThrough(place, engine);
    const total = walk.reading + walk.typing + walk.engine;
    const parts = Object.entries(walk).map(([part, minutes]) => `${part} ${(minutes as number).toFixed(1)}`);
    this.#print(`  ${place.name}: walked through in ${total.toFixed(1)} min: ${parts.join(', ')}`);
  }

  async #step(what: string, work: () => Promise<string | undefined>): Promise<void> {
    this.#signal.throwIfAborted();
    const note = await work().catch((error: unknown) => this.#fail(`${what}: ${explain(error)}`) ?? false);
    if (note === false) return;
    this.passed += 1;
    if (note !== undefined) this.#print(`  ${this.#session.place.name}: ${what}, ${note}`);
  }

  #fail(why: string): undefined {
    this.failed += 1;
    this.#print(`FAILED ${this.#session.place.name}: ${why}`);
  }

  /** Red, twice in a row for the same checks: what is about to turn green has time to. */
  async #red(): Promise<undefined> {
    let before: string | undefined;
    for (let look = 0; look < 10; look++) {
      const results = await this.#look();
      const unmet = results.filter(({ state }) => state !== 'met').map(({ must }) => must);
      if (unmet.length === 0) throw new Error('every check is green');
      if (unmet.join() === before) return;
      before = unmet.join();
      await pause(EVERY);
    }
    throw new Error('the checks do not settle');
  }

  async #green(variant: string): Promise<string> {
    const started = performance.now();
    const complaint = await this.#session.take(variant, this.#signal);
    const applied = performance.now();
    for (;;) {
      const results = await this.#look();
      if (results.every(({ state }) => state === 'met'))
        return `${seconds(started)} s after the edit, ${seconds(applied)} s after compose`;
      this.#signal.throwIfAborted();
      if (performance.now() - started > GREEN_MS) {
        const red = results
          .filter(({ state }) => state === 'unmet')
          .map(({ must, why }) => `must ${must}: ${why?.in('en')}`);
        throw new Error([complaint, ...red].filter((each) => each !== undefined).join(' · '));
      }
      await pause(EVERY);
    }
  }

  async #look(): Promise<Result[]> {
    const results = await this.#session.look();
    const broken = results.find((each) => each.broken);
    if (broken) throw new Error(`the check "${broken.must}" is broken: ${broken.why?.in('en')}`);
    return results;
  }

  /** The lesson's commands, as a learner types them in the folder. */
  async #commands(when: string): Promise<void> {
    const { place, stage } = this.#session;
    for (const { why, commands } of commandBlocks(unindented(readFileSync(join(place.dir, 'README.md'), 'utf8')))) {
      if (why !== when) continue;
      for (const { text } of commands)
        await this.#step(text, async () => {
          const { exitCode, stdout, stderr } = await run('bash', ['-c', text], {
            cwd: stage.dir,
            timeoutMs: COMMAND_MS,
            signal: this.#signal,
          });
          if (exitCode !== 0) throw new Error(`exit code ${exitCode}: ${lastLines(stdout + stderr, 4).join(' · ')}`);
          return undefined;
        });
    }
  }
}

const seconds = (since: number): string => ((performance.now() - since) / 1000).toFixed(1);

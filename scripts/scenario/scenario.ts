/**
 * What a stack's scenario.ts is written with: obligations in a reader's words, each a uvu test with a
 * deadline of its own.
 *
 * The runner starts a scenario as a process of its own and follows it over IPC. Started by hand
 * (`node stacks/https/scenario.ts`) it checks the project that a plain `docker compose up` made.
 */
import { basename } from 'node:path';
import { inspect } from 'node:util';
import { suite } from 'uvu';
import { PROJECT_VARIABLE } from '../lib/compose.ts';
import type { Driver, Need } from '../lib/driver.ts';
import { LAYOUT_VARIABLE } from '../lib/layout-file.ts';
import { driverOf } from './driver-of.ts';
import { explain } from '#kit/text/explain.ts';
import { findStack, portOwners, type Stack } from '../lib/stacks.ts';

/** What a scenario tells the runner. */
export type ScenarioMessage =
  | { readonly type: 'plan'; readonly obligations: readonly string[] }
  | { readonly type: 'start'; readonly index: number; readonly say?: string | undefined }
  | { readonly type: 'say'; readonly text: string }
  | { readonly type: 'end'; readonly index: number; readonly ms: number; readonly failure?: ObligationFailure }
  /** It needs what this driver lacks. */
  | { readonly type: 'skip'; readonly index: number; readonly reason: string }
  /** The scenario itself is wrong: an obligation that would never run. */
  | { readonly type: 'misuse'; readonly message: string };

export interface ObligationFailure {
  readonly message: string;
  /** Error, stack and details, as text. */
  readonly detail: string;
  /** Line of the scenario that failed, where the stack tells. */
  readonly line?: number;
}

/** Set by the runner when obligations must run strictly in order: a demo, which tells them one by one. */
export const IN_ORDER_VARIABLE = 'SIDECAR_STACKS_IN_ORDER';

export interface Stage {
  readonly project: Driver;
  /** A published port, by the part of its variable after PUBLISH_: `port('HTTPS')`. */
  readonly port: (name: string) => number;
  /** Aborts at the obligation's deadline. */
  readonly signal: AbortSignal;
  /** Say something worth seeing in a demo: a figure, an address. */
  readonly say: (text: string) => void;
}

export interface MustOptions {
  /** The sentence that a demo says before this step. */
  readonly say?: string;
  /** Deadline in milliseconds. */
  readonly within?: number;
  /** What it needs that not every driver has: where it lacks, the obligation is skipped by name, and counted. */
  readonly needs?: Need;
  /** Why it cannot be checked on this machine, as for an image that only a registry has; undefined where it can. */
  readonly unless?: (project: Driver) => Promise<string | undefined>;
}

export interface Scenario {
  /**
   * Add an obligation; they run in order.
   * @param name ends the sentence "the stack must …"
   */
  readonly must: (name: string, options: MustOptions, check: (stage: Stage) => void | Promise<void>) => void;
  /**
   * The same scenario, for obligations that run beside those of other lanes: in order within the lane.
   * An obligation without a lane waits for all before it, and all after it wait for it. What a lane
   * changes, no other lane may look at. A demo runs everything in order all the same.
   */
  readonly lane: (name: string) => Scenario;
  /** Run after everything, also when an obligation failed: close what the scenario opened. */
  readonly finally: (close: () => void | Promise<void>) => void;
  /** Run all; call once, at the end of the file. */
  readonly run: () => void;
}

/** Longer than the waits inside, which tell more when they give up: a minute each where a check does not say otherwise. */
const DEADLINE = 180_000;
/** After its deadline an obligation may take so long to end: as long as a wait inside it. In milliseconds. */
const TO_END = 60_000;
interface Obligation {
  readonly name: string;
  readonly lane: string | undefined;
  readonly options: MustOptions;
  readonly check: (stage: Stage) => void | Promise<void>;
}

let begun = false;

/**
 * Begin a scenario; a process has one.
 * @param url the scenario's `import.meta.url`; its folder is the stack
 * @throws {Error} for a second scenario in one process, whose obligations nobody would count
 */
export function scenario(url: string): Scenario {
  if (begun) throw misuse('A scenario.ts has one scenario(); a second was begun.');
  begun = true;
  const name = basename(new URL('.', url).pathname);
  const stack = findStack(name);
  const options = {
    name: process.env[PROJECT_VARIABLE] ?? `sidecar-stacks-${name}`,
    dir: stack.dir,
    env: Object.fromEntries(
      stack.portVariables.map((variable) => [variable, process.env[variable] ?? stack.env[variable]!]),
    ),
  };
  const project = driverOf(options, process.env[LAYOUT_VARIABLE]);
  const port = (key: string): number => {
    const value = Number(project.env[`PUBLISH_${key}`]);
    if (!value) throw new Error(`stacks/${name}/.env declares no PUBLISH_${key}`);
    return value;
  };
  const test = suite(name);
  const obligations: Obligation[] = [];
  let running = false;

  /** Carry out one; rejects with an Error when it is not met. */
  const carryOut = async (index: number): Promise<void> => {
    const { options, check } = obligations[index]!;
    const lacking = options.needs && project.lacks[options.needs];
    // Where that cannot be told, the check itself says what is wrong.
    const reason = lacking ?? (await options.unless?.(project).catch(() => undefined));
    if (reason !== undefined) {
      tell({ type: 'skip', index, reason });
      return;
    }
    tell({ type: 'start', index, say: options.say });
    const started = performance.now();
    const ms = (): number => Math.round(performance.now() - started);
    try {
      await inTime(options.within ?? DEADLINE, (signal) =>
        check({ project, port, signal, say: (text) => tell({ type: 'say', text }) }),
      );
      tell({ type: 'end', index, ms: ms() });
    } catch (error) {
      tell({ type: 'end', index, ms: ms(), failure: failureOf(error, url, stack, project) });
      // uvu counts only Errors as failures.
      throw error instanceof Error ? error : new Error(inspect(error));
    }
  };

  const inLane = (lane: string | undefined): Scenario => ({
    must(obligation, options, check) {
      if (running)
        throw misuse(`must("${obligation}") came after run(): it would never be checked. Add it before run().`);
      obligations.push({ name: obligation, lane, options, check });
    },
    lane: inLane,
    finally(close) {
      if (running) throw misuse('finally() came after run(): it would never be called. Add it before run().');
      test.after(close);
    },
    run() {
      if (running) throw misuse('run() was called twice.');
      running = true;
      tell({ type: 'plan', obligations: obligations.map((each) => each.name) });
      const ends = startInLanes(
        obligations.map((each) => each.lane),
        carryOut,
      );
      for (const [index, each] of obligations.entries()) test(each.name, ends[index]!);
      test.after(() => process.disconnect?.());
      endWithRunner();
      test.run();
    },
  });
  return inLane(undefined);
}

/** In milliseconds. */
const LOOK = 200;

/** A runner that was killed ends nobody: its scenario goes by itself, with all that it started. */
function endWithRunner(): void {
  const runner = process.ppid;
  process.once('disconnect', () => {
    // The channel closes before the kernel gives us another parent. A scenario that closes it itself is judged by its
    // runner; by hand there is none.
    const timer = setInterval(() => {
      if (process.ppid !== runner) process.kill(-process.pid, 'SIGKILL');
    }, LOOK);
    timer.unref();
  });
}

/**
 * Start obligations, each as soon as those that it waits for have ended, however they did.
 * @param lanes of each obligation, undefined for one that waits for all before it
 * @param carryOut carries out the obligation of an index
 * @returns for each: wait for its end; throws what it threw
 */
function startInLanes(
  lanes: readonly (string | undefined)[],
  carryOut: (index: number) => Promise<void>,
): (() => Promise<void>)[] {
  const inOrder = Boolean(process.env[IN_ORDER_VARIABLE]);
  const ends: Promise<PromiseSettledResult<void>>[] = [];
  for (const [index, lane] of lanes.entries()) {
    const alone = inOrder || lane === undefined;
    const before = ends.filter((_, other) => alone || lanes[other] === lane || lanes[other] === undefined);
    ends.push(
      Promise.all(before)
        .then(() => Promise.allSettled([carryOut(index)]))
        .then(([end]) => end!),
    );
  }
  return ends.map((each) => async () => {
    const end = await each;
    if (end.status === 'rejected') throw end.reason as Error;
  });
}

/** A scenario that is written wrongly; the runner hears of it even when the error is caught. */
function misuse(message: string): Error {
  tell({ type: 'misuse', message });
  return new Error(message);
}

/**
 * Carry out a check until its deadline. What is late has been told so, and is waited for a while: the next
 * obligation would see its doings, and take them for its own.
 */
async function inTime(milliseconds: number, check: (signal: AbortSignal) => void | Promise<void>): Promise<void> {
  const controller = new AbortController();
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    late.reject(new Error(`not done within ${milliseconds / 1000} s`));
    controller.abort();
  }, milliseconds);
  const checking = Promise.try(check, controller.signal);
  try {
    await Promise.race([checking, late.promise]);
  } catch (error) {
    const patience = Promise.withResolvers<void>();
    const given = setTimeout(patience.resolve, TO_END);
    await Promise.race([Promise.allSettled([checking]), patience.promise]);
    clearTimeout(given);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function tell(message: ScenarioMessage): void {
  if (process.connected) process.send?.(message);
}

function failureOf(error: unknown, url: string, stack: Stack, project: Driver): ObligationFailure {
  if (!(error instanceof Error)) return { message: inspect(error), detail: inspect(error) };
  const path = new URL('.', url).pathname;
  // Only the stack's own frames: those of uvu and of this module are the same for every failure.
  const frames = (error.stack ?? '').split('\n').filter((line) => line.includes(path) && line.trim().startsWith('at '));
  const line = frames.find((each) => each.includes(new URL(url).pathname))?.match(/:(\d+):\d+\)?$/)?.[1];
  const { details } = error as { details?: string };
  const message = explain(error) + portSentence(error, stack, project);
  const detail = [message, ...(details ? [details.trimEnd()] : []), ...frames].join('\n');
  return { message, detail, ...(line !== undefined && { line: Number(line) }) };
}

/** Which service publishes the port that an error is about; empty when it is about none. */
function portSentence(error: Error, stack: Stack, project: Driver): string {
  for (let each: unknown = error; each instanceof Error; each = each.cause) {
    const { port } = each as { port?: unknown };
    const variable = Object.keys(project.env).find((name) => project.env[name] === String(port));
    if (variable !== undefined) return ` (${variable}, published by service ${portOwners(stack).get(variable) ?? '?'})`;
  }
  return '';
}

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
import { Project } from './compose.ts';
import { findStack } from './stacks.ts';

/** What a scenario tells the runner. */
export type ScenarioMessage =
  | { readonly type: 'plan'; readonly obligations: readonly string[] }
  | { readonly type: 'start'; readonly index: number; readonly say?: string | undefined }
  | { readonly type: 'say'; readonly text: string }
  | { readonly type: 'end'; readonly index: number; readonly ms: number; readonly failure?: ObligationFailure };

export interface ObligationFailure {
  readonly message: string;
  /** Error, stack and details, as text. */
  readonly detail: string;
  /** Line of the scenario that failed, where the stack tells. */
  readonly line?: number;
}

/** The environment by which the runner tells a scenario which project it is about. */
export const PROJECT_VARIABLE = 'SIDECAR_STACKS_PROJECT';

export interface Stage {
  readonly project: Project;
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
}

export interface Scenario {
  /**
   * Add an obligation; they run in order.
   * @param name ends the sentence "the stack must …"
   */
  readonly must: (name: string, options: MustOptions, check: (stage: Stage) => void | Promise<void>) => void;
  /** Run after everything, also when an obligation failed: close what the scenario opened. */
  readonly finally: (close: () => void | Promise<void>) => void;
  /** Run all; call once, at the end of the file. */
  readonly run: () => void;
}

const DEADLINE = 60_000;

/**
 * Begin a scenario.
 * @param url the scenario's `import.meta.url`; its folder is the stack
 */
export function scenario(url: string): Scenario {
  const name = basename(new URL('.', url).pathname);
  const stack = findStack(name);
  const project = new Project({
    name: process.env[PROJECT_VARIABLE] ?? `sidecar-stacks-${name}`,
    dir: stack.dir,
    env: Object.fromEntries(
      stack.portVariables.map((variable) => [variable, process.env[variable] ?? stack.env[variable]!]),
    ),
  });
  const port = (key: string): number => {
    const value = Number(project.env[`PUBLISH_${key}`]);
    if (!value) throw new Error(`stacks/${name}/.env declares no PUBLISH_${key}`);
    return value;
  };
  const test = suite(name);
  const obligations: string[] = [];

  return {
    must(obligation, { say, within = DEADLINE }, check) {
      const index = obligations.push(obligation) - 1;
      test(obligation, async () => {
        tell({ type: 'start', index, say });
        const started = performance.now();
        const ms = (): number => Math.round(performance.now() - started);
        try {
          await inTime(within, (signal) =>
            check({ project, port, signal, say: (text) => tell({ type: 'say', text }) }),
          );
          tell({ type: 'end', index, ms: ms() });
        } catch (error) {
          tell({ type: 'end', index, ms: ms(), failure: failureOf(error, url) });
          // uvu counts only Errors as failures.
          throw error instanceof Error ? error : new Error(inspect(error));
        }
      });
    },
    finally(close) {
      test.after(close);
    },
    run() {
      tell({ type: 'plan', obligations });
      test.after(() => process.disconnect?.());
      test.run();
    },
  };
}

async function inTime(milliseconds: number, check: (signal: AbortSignal) => void | Promise<void>): Promise<void> {
  const controller = new AbortController();
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(new Error(`not done within ${milliseconds / 1000} s`));
    controller.abort();
  }, milliseconds);
  try {
    await Promise.race([check(controller.signal), promise]);
  } finally {
    clearTimeout(timer);
  }
}

function tell(message: ScenarioMessage): void {
  process.send?.(message);
}

function failureOf(error: unknown, url: string): ObligationFailure {
  if (!(error instanceof Error)) return { message: inspect(error), detail: inspect(error) };
  const path = new URL('.', url).pathname;
  // Only the stack's own frames: those of uvu and of this module are the same for every failure.
  const frames = (error.stack ?? '').split('\n').filter((line) => line.includes(path));
  const line = frames.find((each) => each.includes(new URL(url).pathname))?.match(/:(\d+):\d+\)?$/)?.[1];
  const { details } = error as { details?: string };
  const cause = error.cause instanceof Error ? [`cause: ${error.cause.message}`] : [];
  const detail = [error.message, ...(details ? [details.trimEnd()] : []), ...cause, ...frames].join('\n');
  return { message: error.message, detail, ...(line !== undefined && { line: Number(line) }) };
}

/** What happens during a run, as the reporters see it and `--json` prints it: one object a line. */
import type { ObligationFailure } from '../scenario/scenario.ts';

export const PHASES = ['setup', 'build', 'up', 'check', 'down'] as const;
export type Phase = (typeof PHASES)[number];

/** Why something went wrong, for people (a paragraph, with a container's last lines) and programs. */
export interface Failure {
  readonly reason:
    | 'setup'
    | 'unknown-stack'
    | 'build'
    | 'port-in-use'
    | 'unhealthy'
    | 'exited'
    | 'crash-loop'
    | 'stack'
    | 'engine-gone'
    | 'compose'
    | 'pods'
    | 'obligation'
    | 'no-obligations'
    | 'scenario'
    | 'timeout'
    | 'interrupted'
    | 'teardown';
  readonly message: string;
  readonly container?: string;
  /** The last lines that the container (or the build) wrote. */
  readonly log?: readonly string[];
  /** Line of the stack's scenario.ts, where one is known. */
  readonly line?: number;
  /** The exit code that this failure calls for, 1 when absent. */
  readonly exitCode?: number;
  /** Where more was written. */
  readonly artifacts?: string;
}

interface OfRun {
  readonly stack: string;
  /** The compose project. */
  readonly run: string;
}

export type RunEvent =
  | {
      readonly event: 'phase';
      readonly stack?: string;
      readonly run?: string;
      readonly phase: Phase;
      readonly state: 'start' | 'done' | 'failed';
      readonly ms?: number;
    }
  | { readonly event: 'note'; readonly text: string }
  | ({ readonly event: 'plan'; readonly obligations: readonly string[] } & OfRun)
  | ({
      readonly event: 'obligation';
      readonly index: number;
      readonly name: string;
      readonly state: 'start' | 'passed' | 'failed' | 'skipped';
      /** Why it was skipped. */
      readonly reason?: string;
      readonly say?: string | undefined;
      readonly ms?: number;
      readonly failure?: ObligationFailure;
    } & OfRun)
  | ({ readonly event: 'say'; readonly text: string } & OfRun)
  | ({ readonly event: 'output'; readonly text: string } & OfRun)
  | ({ readonly event: 'result'; readonly result: RunResult } & OfRun);

export interface ObligationResult {
  readonly name: string;
  /** `skipped`: it needs what the stack does not run on; its reason is told. */
  readonly state: 'passed' | 'failed' | 'skipped' | 'not-run';
  readonly reason?: string;
  readonly ms: number;
  readonly failure?: ObligationFailure;
}

export interface RunResult {
  readonly stack: string;
  readonly run: string;
  readonly ok: boolean;
  readonly ms: number;
  /** Milliseconds a phase took. */
  readonly phases: Readonly<Partial<Record<Phase, number>>>;
  readonly obligations: readonly ObligationResult[];
  readonly failures: readonly Failure[];
  /** The published ports, by the variable that pins each. */
  readonly ports: Readonly<Record<string, string>>;
  /** True when it was left up. */
  readonly kept: boolean;
}

/** Takes what happens; `close` is called once, after the last event. */
export interface Reporter {
  on(event: RunEvent): void;
  close?(results: readonly RunResult[]): void;
}

/** The exit code that results amount to. */
export function exitCodeOf(results: readonly RunResult[]): number {
  if (results.every((result) => result.ok)) return 0;
  return results.flatMap((result) => result.failures).find((failure) => failure.exitCode !== undefined)?.exitCode ?? 1;
}

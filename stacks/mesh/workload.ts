/** Calls and load from a container of the stack, and what the echo replicas have seen. */
import * as assert from 'uvu/assert';
import type { Project } from '../../scripts/lib/compose.ts';
import type { Behaviour } from './services/workload/src/behaviour.ts';
import type { Call, Outcome, Protocol } from './services/workload/src/call.ts';
import type { LoadOptions, LoadReport } from './services/workload/src/load.ts';
import type { Echo } from './services/workload/src/serve.ts';

export type { Behaviour, Call, Echo, LoadOptions, LoadReport, Outcome, Protocol };

const PROGRAM = ['node', '/srv/workload.mjs'] as const;
export const REPLICAS = ['echo-1', 'echo-2', 'echo-3'] as const;
/** Who may call: one with a sidecar and one without. */
export type Caller = 'client' | 'stranger' | (typeof REPLICAS)[number];

async function execute(
  project: Project,
  service: string,
  command: string,
  argument: string,
  timeoutMs: number,
): Promise<unknown> {
  return JSON.parse(await project.exec(service, [...PROGRAM, command, argument], { timeoutMs }));
}

/** Make calls, one after the other. */
export async function call(project: Project, from: Caller, calls: readonly Call[]): Promise<Outcome[]> {
  const patience = calls.reduce((total, each) => total + (each.timeoutMs ?? 20_000), 60_000);
  return (await execute(project, from, 'call', JSON.stringify(calls), patience)) as Outcome[];
}

/** Send a load, and what the generator itself counted. */
export async function load(project: Project, from: Caller, options: LoadOptions): Promise<LoadReport> {
  return (await execute(project, from, 'load', JSON.stringify(options), 180_000)) as LoadReport;
}

/** Tell a replica how to behave from now on; `{}` is as ever. */
export async function tell(project: Project, replica: string, behaviour: Behaviour): Promise<void> {
  await execute(project, replica, 'tell', JSON.stringify(behaviour), 60_000);
}

/** How many requests with a key (their header `x-key`) each replica has seen, in the order of REPLICAS. */
export function seen(project: Project, key: string): Promise<number[]> {
  return Promise.all(
    REPLICAS.map(async (replica) => {
      const { seen: count } = (await execute(project, replica, 'seen', key, 60_000)) as { seen: number };
      return count;
    }),
  );
}

/** What the echo server told in an answer. */
export function echoOf(outcome: Outcome): Echo {
  assert.ok(outcome.ok, JSON.stringify(outcome));
  return JSON.parse(outcome.text!) as Echo;
}

let keys = 0;
/** A key that no other check uses. */
export const freshKey = (name: string): string => `${name}-${++keys}`;

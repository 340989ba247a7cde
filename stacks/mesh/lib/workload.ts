/** Calls and load from a container of the stack, and what the echo replicas have seen. */
import * as assert from 'uvu/assert';
import { setTimeout as pause } from 'node:timers/promises';
import type { Driver } from '../../../scripts/lib/driver.ts';
import type { Behaviour } from '../services/workload/src/behaviour.ts';
import type { Call, Outcome, Protocol } from '../services/workload/src/call.ts';
import type { LoadOptions, LoadReport } from '../services/workload/src/load.ts';
import type { Echo } from '../services/workload/src/serve.ts';
import { command } from './sessions.ts';

export type { Behaviour, Call, Echo, LoadOptions, LoadReport, Outcome, Protocol };

export const REPLICAS = ['echo-1', 'echo-2', 'echo-3'] as const;
/** Who may answer: those, and what is added. */
export type Server = (typeof REPLICAS)[number] | 'echo-4' | 'echo-5';
/** Who may call: one with a sidecar and one without. */
export type Caller = 'client' | 'stranger' | (typeof REPLICAS)[number] | 'echo-5' | 'aside';

/** Make calls, one after the other. */
export async function call(project: Driver, from: Caller, calls: readonly Call[]): Promise<Outcome[]> {
  const patience = calls.reduce((total, each) => total + (each.timeoutMs ?? 60_000), 60_000);
  return (await command(project, from, 'call', JSON.stringify(calls), patience)) as Outcome[];
}

/** Send a load, and what the generator itself counted. */
export async function load(project: Driver, from: Caller, options: LoadOptions): Promise<LoadReport> {
  return (await command(project, from, 'load', JSON.stringify(options), 180_000)) as LoadReport;
}

/** More than any check waits for. */
const UNTIL_STOPPED = 1_000_000;
/** That something was sent before and after, in milliseconds. */
const MARGIN = 500;
let loads = 0;

/**
 * A load for as long as something happens, and a moment before and after it.
 * @param options its rate, in requests a second, among them
 */
export async function loadWhile(
  project: Driver,
  from: Caller,
  options: Omit<LoadOptions, 'requests' | 'name'> & { readonly rate: number },
  work: () => Promise<unknown>,
): Promise<LoadReport> {
  const name = `load-${++loads}`;
  const running = load(project, from, { ...options, requests: UNTIL_STOPPED, name });
  running.catch(() => undefined);
  try {
    await pause(MARGIN);
    await work();
    await pause(MARGIN);
  } finally {
    await command(project, from, 'stop', name, 60_000);
  }
  return running;
}

/** Tell a replica how to behave from now on; `{}` is as ever. */
export async function tell(project: Driver, replica: string, behaviour: Behaviour): Promise<void> {
  await command(project, replica, 'tell', JSON.stringify(behaviour), 60_000);
}

/** How many requests with a key (their header `x-key`) a replica has seen. */
export async function seenBy(project: Driver, replica: Server, key: string): Promise<number> {
  const { seen: count } = (await command(project, replica, 'seen', key, 60_000)) as { seen: number };
  return count;
}

/** The same for all that the stack has, in the order of REPLICAS. */
export const seen = (project: Driver, key: string): Promise<number[]> =>
  Promise.all(REPLICAS.map((replica) => seenBy(project, replica, key)));

/** What the echo server told in an answer. */
export function echoOf(outcome: Outcome): Echo {
  assert.ok(outcome.ok, JSON.stringify(outcome));
  return JSON.parse(outcome.text!) as Echo;
}

let keys = 0;
/** A key that no other check uses. */
export const freshKey = (name: string): string => `${name}-${++keys}`;

/**
 * What an attack suite is. Its module `scripts/attack/NAME/suite.ts` is loaded by the runner, which reads the names, and
 * in the pod, by the process of the hostile clients and by that of the good one: it imports nothing of an engine.
 */
import { readdirSync } from 'node:fs';
import type { Random } from './random.ts';

export interface AttackContext {
  /** All that an attack chooses, it chooses by this: the same seed makes the same attack. */
  readonly random: Random;
  /** Aborted when the time is over: close everything, and return. */
  readonly signal: AbortSignal;
}

/** Hostile clients. Called again and again until the time is over; it throws when it got what it must not get. */
export type Attack = (context: AttackContext) => Promise<void>;

export interface AttackSuite {
  /** The service under attack, in `scripts/attack/NAME/compose.yaml`. */
  readonly sidecar: string;
  /** Other services that must not end, and stay below their limits. */
  readonly besides?: readonly string[];
  /** Its admin port, as the good client calls it. */
  readonly admin: string;
  /** Metrics that are 0 when everybody has gone: connections and requests that are open. */
  readonly gauges: readonly string[];
  /** Metrics that are 0 whatever happens: internal errors. */
  readonly never: readonly string[];
  /** Attacks by name. */
  readonly attacks: Readonly<Record<string, Attack>>;
  /** What a good client does meanwhile. @throws when the answer is not the right one */
  good(signal: AbortSignal): Promise<void>;
}

/** The suites there are: a folder each. */
export const suiteNames = (): string[] =>
  readdirSync(import.meta.dirname, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .toSorted();

/** The suite of a name. @throws when there is none */
export async function loadSuite(name: string): Promise<AttackSuite> {
  const { suite } = (await import(`./${name}/suite.ts`)) as { suite: AttackSuite };
  return suite;
}

/** Whether a proxy becomes slower with age: its first loads against its last, after what a long life brings. */
import type { Project } from '../lib/compose.ts';
import { compare, median, type Measurement } from './measurement.ts';
import { wrk, type WrkOptions } from './load.ts';

/** Loads before, and after: one alone is the machine's mood as much as the proxy's age. */
const LOADS = 3;
/** What is left of the first rate at the end. */
const LEAST = 0.95;
/** Connections that are open at once in a storm. */
const MANY = 250;

/** Requests a second of each side, young or old. */
export type Rates<Side extends string> = ReadonlyMap<Side, number>;

/** Load all sides by turns. @param load requests a second */
export async function ratesOf<Side extends string>(
  sides: readonly Side[],
  load: (side: Side) => Promise<number>,
): Promise<Rates<Side>> {
  const samples = new Map(sides.map((side) => [side, [] as number[]]));
  for (let each = 0; each < LOADS; each++)
    for (const side of each % 2 === 0 ? sides : sides.toReversed()) samples.get(side)!.push(await load(side));
  return new Map([...samples].map(([side, rates]) => [side, median(rates)]));
}

/**
 * What ages an HTTP proxy: a connection for each request, many connections at once, large bodies.
 * @param options of each load
 * @param large the URL of a body of 64 KiB
 */
export async function age(project: Project, options: WrkOptions, large: string): Promise<void> {
  await wrk(project, { ...options, close: true });
  await wrk(project, { ...options, connections: MANY });
  await wrk(project, { ...options, url: large });
}

/** The row `aged_ratio`: what is left of the first rate, of ours and of a peer's. */
export const agedRatio = <Side extends string>(
  bench: string,
  [peer, name]: readonly [Side, string],
  ours: Side,
  young: Rates<Side>,
  old: Rates<Side>,
): Measurement => {
  const left = (side: Side): number[] => [old.get(side)! / young.get(side)!];
  return compare(
    { bench, metric: 'aged_ratio', peer: name, better: 'more' },
    { ours: left(ours), theirs: left(peer) },
    { least: LEAST },
  );
};

/** How long each stack, test file and exercise took the last time, so that of several the longest begin first. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
/** What is known in a fresh clone: all stacks, and the test files above 15 s, on two processors. */
import firstDurations from './first-durations.json' with { type: 'json' };

export type Durations = Readonly<Record<string, number>>;

/** Milliseconds that are assumed of what was never run. */
const USUAL = 10_000;

/**
 * Those that took longest first, so that the end is not one long stack alone.
 * @param durations milliseconds by name
 * @param nameOf the name that durations have
 */
export const longestFirst = <T>(all: readonly T[], durations: Durations, nameOf: (each: T) => string): T[] =>
  all.toSorted((a, b) => (durations[nameOf(b)] ?? USUAL) - (durations[nameOf(a)] ?? USUAL));

const fileIn = (root: string): string => join(root, '.cache', 'durations.json');

export function readDurations(root: string): Durations {
  try {
    return { ...firstDurations, ...(JSON.parse(readFileSync(fileIn(root), 'utf8')) as Durations) };
  } catch {
    return firstDurations;
  }
}

/** Add to what is known, but for files that a test made to run them. */
export function noteDurations(root: string, more: Durations): void {
  try {
    mkdirSync(dirname(fileIn(root)), { recursive: true });
    const lasting = Object.entries(more).filter(([name]) => !name.startsWith('.cache/'));
    writeFileSync(fileIn(root), JSON.stringify({ ...readDurations(root), ...Object.fromEntries(lasting) }));
  } catch {
    // A full disk, or a folder that is somebody else's: the order of the next run is worth no failure of this one.
  }
}

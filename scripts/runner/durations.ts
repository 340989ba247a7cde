/** How long each stack and each test file took the last time, so that of several the longest begin first. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export type Durations = Readonly<Record<string, number>>;

/**
 * Those that took longest first, and before them those that nobody has seen yet; so the end is not one
 * long stack alone.
 * @param durations milliseconds by name
 * @param nameOf the name that durations have
 */
export const longestFirst = <T>(all: readonly T[], durations: Durations, nameOf: (each: T) => string): T[] =>
  all.toSorted((a, b) => (durations[nameOf(b)] ?? Infinity) - (durations[nameOf(a)] ?? Infinity) || 0);

const fileIn = (root: string): string => join(root, '.cache', 'durations.json');

export function readDurations(root: string): Durations {
  try {
    return JSON.parse(readFileSync(fileIn(root), 'utf8')) as Durations;
  } catch {
    return {};
  }
}

/** Add to what is known. */
export function noteDurations(root: string, more: Durations): void {
  try {
    mkdirSync(dirname(fileIn(root)), { recursive: true });
    writeFileSync(fileIn(root), JSON.stringify({ ...readDurations(root), ...more }));
  } catch {
    // A full disk, or a folder that is somebody else's: the order of the next run is worth no failure of this one.
  }
}

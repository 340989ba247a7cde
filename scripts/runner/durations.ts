/** How long each stack took the last time, so that of several the longest begin first. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Stack } from '../lib/stacks.ts';

type Durations = Readonly<Record<string, number>>;

/**
 * Those that took longest first, and before them those that nobody has seen yet; so the end is not one
 * long stack alone.
 * @param durations milliseconds by stack
 */
export const longestFirst = (stacks: readonly Stack[], durations: Durations): Stack[] =>
  stacks.toSorted((a, b) => (durations[b.name] ?? Infinity) - (durations[a.name] ?? Infinity) || 0);

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

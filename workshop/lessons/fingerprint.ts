/** Has something changed? Asked again and again, because file events fail on some machines. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Inspected } from '../../scripts/lib/compose.ts';

/** More files than this in a learner's folder are not looked at. */
const MOST = 2000;

/** Names, sizes and times of all files of a folder, as one text; empty when the folder is not there. */
export function filesFingerprint(dir: string): string {
  const seen: string[] = [];
  const waiting = [dir];
  for (let folder = waiting.pop(); folder !== undefined && seen.length < MOST; folder = waiting.pop()) {
    for (const entry of entriesOf(folder)) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) {
        if (entry.name !== 'node_modules' && entry.name !== '.git') waiting.push(path);
        continue;
      }
      const stat = statSync(path, { throwIfNoEntry: false });
      if (stat) seen.push(`${path} ${stat.size} ${stat.mtimeMs}`);
    }
  }
  return seen.toSorted().join('\n');
}

function entriesOf(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    // It went away between two looks.
    return [];
  }
}

/** Which containers there are, and since when they run. */
export function containersFingerprint(containers: readonly Inspected[]): string {
  return containers
    .map(({ Id, State }) => `${Id} ${State.Status} ${State.StartedAt}`)
    .toSorted()
    .join('\n');
}

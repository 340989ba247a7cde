/**
 * Whether bundling would change anything: what went into the bundles, and the bundles, have the time and
 * size that they had after the last time. A warm run then needs no bundler.
 */
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

interface Stamp {
  /** The programs, since one that is new has no entry among the files. */
  readonly programs: readonly string[];
  /** Time and size of each file, relative to the root; of packages, the lock file stands for all. */
  readonly files: Readonly<Record<string, string>>;
}

const FILE = '.cache/bundles.json';
/** What counts beside the sources: resolution, compiler options, the bundler and how it is called. */
const ALWAYS = [
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'scripts/setup/bundles/bundle.ts',
  'scripts/setup/bundles/notices.ts',
];

/** True when nothing has changed since writeStamp. */
export function isFresh(root: string, programs: readonly string[]): boolean {
  try {
    const stamp = JSON.parse(readFileSync(join(root, FILE), 'utf8')) as Stamp;
    return (
      JSON.stringify(stamp.programs) === JSON.stringify(programs) &&
      Object.entries(stamp.files).every(([path, was]) => look(root, path) === was)
    );
  } catch {
    // There is none, or it is damaged.
    return false;
  }
}

/**
 * Note what is there now.
 * @param paths sources and bundles, relative to the root
 * @param since when bundling began, milliseconds since the epoch: a source that changed after it may not be in
 */
export function writeStamp(root: string, programs: readonly string[], paths: Iterable<string>, since: number): void {
  const sources = [...new Set([...ALWAYS, ...paths])].filter((path) => !path.includes('node_modules'));
  const files = Object.fromEntries(sources.map((path) => [path, look(root, path)]));
  const late = sources.some((path) => !path.includes('/dist/') && changedAfter(root, path, since));
  if (late) return;
  mkdirSync(dirname(join(root, FILE)), { recursive: true });
  writeFileSync(join(root, FILE), JSON.stringify({ programs, files } satisfies Stamp));
}

function look(root: string, path: string): string {
  const found = statSync(join(root, path), { throwIfNoEntry: false });
  return found ? `${found.mtimeMs} ${found.size}` : 'none';
}

const changedAfter = (root: string, path: string, since: number): boolean =>
  (statSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs ?? 0) >= since;

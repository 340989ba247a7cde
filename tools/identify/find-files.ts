/** The YAML files under a path, without walking into what nobody means. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const SKIPPED = new Set([
  'node_modules',
  '.git',
  'vendor',
  'dist',
  'build',
  '.terraform',
  '.venv',
  'venv',
  '__pycache__',
  'target',
  '.cache',
  'artifacts',
]);
const YAML = /\.ya?ml$/i;
const MAX_FILES = 20_000;
const MAX_DEPTH = 25;

export interface Found {
  /** Absolute paths, sorted. */
  readonly files: readonly string[];
  /** Folders that have a file of these names. */
  readonly kustomizations: readonly string[];
  /** The search ended at its limit. */
  readonly cut: boolean;
}

/** Look for YAML files; symbolic links are not followed. */
export function findFiles(folder: string, kustomizationNames: readonly string[]): Found {
  const files: string[] = [];
  const kustomizations: string[] = [];
  const queue: [string, number][] = [[folder, 0]];
  for (let next = queue.shift(); next && files.length < MAX_FILES; next = queue.shift()) {
    const [dir, depth] = next;
    let names;
    try {
      names = readdirSync(dir, { withFileTypes: true }).toSorted((a, b) => (a.name < b.name ? -1 : 1));
    } catch {
      continue;
    }
    for (const entry of names) {
      const path = join(dir, entry.name);
      if (entry.isDirectory()) {
        if (depth < MAX_DEPTH && !SKIPPED.has(entry.name)) queue.push([path, depth + 1]);
      } else if (entry.isFile()) {
        if (kustomizationNames.includes(entry.name)) kustomizations.push(path);
        else if (YAML.test(entry.name)) files.push(path);
      }
    }
  }
  return { files: files.slice(0, MAX_FILES), kustomizations, cut: files.length >= MAX_FILES };
}

export const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

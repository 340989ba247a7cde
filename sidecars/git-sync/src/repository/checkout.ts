/** A commit's files in a directory of their own. */
import { copyFileSync, existsSync, linkSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setImmediate as breathe } from 'node:timers/promises';
import { runCommand } from '../../../kit/command.ts';
import { SyncError } from '../failure.ts';
import type { Limits, Store } from './store.ts';

/** How many files are linked before others get a turn. */
const BATCH = 1000;

/** Files, and git's index of them. */
export interface Place {
  readonly directory: string;
  readonly index: string;
}

export interface CheckoutOptions extends Limits {
  readonly store: Store;
  readonly commit: string;
  readonly to: Place;
  /** Files that are the same may be hard links to these; all files become read-only then. */
  readonly shareWith?: Place | undefined;
  readonly readOnly: boolean;
  /** Patterns in the sparse-checkout format; all files when absent. */
  readonly sparse?: string | undefined;
}

/**
 * Check a commit out.
 * @throws {SyncError}
 */
export async function checkOut({
  store,
  commit,
  to,
  shareWith,
  readOnly,
  sparse,
  ...limits
}: CheckoutOptions): Promise<void> {
  mkdirSync(to.directory, { recursive: true, mode: 0o755 });
  const configuration = sparseConfiguration(store, sparse);
  const git = (args: readonly string[]): Promise<string> => gitIn(store, to, [...configuration, ...args], limits);
  if (shareWith && existsSync(shareWith.index)) {
    try {
      copyFileSync(shareWith.index, to.index);
      const files = (await git(['ls-files', '-z'])).split('\0');
      await link(files.slice(0, -1), shareWith.directory, to.directory, limits.signal);
    } catch (error) {
      if (error instanceof SyncError && ['timeout', 'stopped'].includes(error.reason)) throw error;
      // What cannot be taken over is written anew.
      rmSync(to.index, { force: true });
      rmSync(to.directory, { recursive: true, force: true });
      mkdirSync(to.directory, { mode: 0o755 });
    }
  }
  // Whatever is not as the commit has it is replaced, never written into: a link's other end stays as it is.
  await git(['read-tree', '--reset', '-u', commit]);
  if (readOnly) await protect(to.directory, limits);
}

/** Run git on files and index that are elsewhere than its objects. */
export async function gitIn(
  store: Store,
  { directory, index }: Place,
  args: readonly string[],
  limits: Limits,
): Promise<string> {
  const env = { GIT_WORK_TREE: directory, GIT_INDEX_FILE: index };
  return await store.git(args, { ...limits, cwd: directory, env });
}

function sparseConfiguration(store: Store, patterns: string | undefined): string[] {
  if (patterns === undefined) return ['-c', 'core.sparseCheckout=false'];
  mkdirSync(join(store.directory, 'info'), { recursive: true });
  writeFileSync(join(store.directory, 'info/sparse-checkout'), patterns);
  return ['-c', 'core.sparseCheckout=true', '-c', 'core.sparseCheckoutCone=false'];
}

/** Make each file of one directory appear in another, without a copy. */
async function link(files: readonly string[], from: string, to: string, signal?: AbortSignal): Promise<void> {
  const made = new Set([to]);
  for (const [count, path] of files.entries()) {
    if (count % BATCH === 0) await breathe(undefined, signal && { signal });
    const target = join(to, path);
    const parent = dirname(target);
    if (!made.has(parent)) {
      mkdirSync(parent, { recursive: true });
      made.add(parent);
    }
    try {
      linkSync(join(from, path), target);
    } catch (error) {
      // A submodule, not checked out there, gone, or linked too often: git writes it then, where it is a file.
      const { code = '' } = error as NodeJS.ErrnoException;
      if (!['EPERM', 'ENOENT', 'ENOTDIR', 'EMLINK', 'EXDEV'].includes(code)) throw error;
    }
  }
}

/** Take the right to write from files, so that nobody changes two versions by writing into one. */
async function protect(directory: string, { timeout, signal }: Limits): Promise<void> {
  // A program of its own: it looks at ten thousand files faster than we could, and in its own memory.
  await runCommand(['find', directory, '-type', 'f', '-perm', '/222', '-exec', 'chmod', 'a-w', '--', '{}', '+'], {
    timeout,
    ...(signal && { signal }),
  });
}

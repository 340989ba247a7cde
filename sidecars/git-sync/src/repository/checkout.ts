/** A commit's files in a directory of their own. */
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from '#kit/process/command.ts';
import { SyncError } from './failure.ts';
import type { Limits, Store } from './store.ts';

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
  // Whatever is not as the commit has it is replaced, never written into: a link's other end stays as it is.
  const fill = (): Promise<string> => git(['read-tree', '--reset', '-u', commit]);
  if (!shareWith || !existsSync(shareWith.index)) await fill();
  else {
    try {
      copyFileSync(shareWith.index, to.index);
      // What attributes say of a file is not seen in it: with others, every file is written anew.
      const [differ] = await Promise.all([attributesDiffer(git, commit), takeOver(shareWith, to, limits)]);
      if (differ) throw new Error('the attributes of files changed');
      await fill();
      // What somebody put beside the files of the version before came along.
      await git(['clean', '-ffdxq']);
    } catch (error) {
      if (error instanceof SyncError && ['timeout', 'stopped'].includes(error.reason)) throw error;
      // What cannot be taken over is written anew.
      rmSync(to.index, { force: true });
      rmSync(to.directory, { recursive: true, force: true });
      mkdirSync(to.directory, { mode: 0o755 });
      await fill();
    }
  }
  if (readOnly) await protect(to.directory, limits);
}

/** True when a commit has other .gitattributes than the index. */
async function attributesDiffer(git: (args: readonly string[]) => Promise<string>, commit: string): Promise<boolean> {
  const said = await git(['diff-index', '--cached', '--name-only', commit, '--', ':(glob)**/.gitattributes']);
  return said !== '';
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

/** Make all that is in one place appear in another, without a copy. */
async function takeOver(from: Place, to: Place, { timeout, signal }: Limits): Promise<void> {
  // A submodule's files came with those of the tree around it.
  if (readdirSync(to.directory).length > 0) return;
  // By a program of its own, as below: ten thousand names would stay in our memory long after their use.
  await runCommand(['cp', '--archive', '--link', '--no-target-directory', '--', from.directory, to.directory], {
    timeout,
    ...(signal && { signal }),
  });
}

/** Take the right to write from files, so that nobody changes two versions by writing into one. */
async function protect(directory: string, { timeout, signal }: Limits): Promise<void> {
  await runCommand(['find', directory, '-type', 'f', '-perm', '/222', '-exec', 'chmod', 'a-w', '--', '{}', '+'], {
    timeout,
    ...(signal && { signal }),
  });
}

/**
 * Submodules: other repositories' commits inside a tree. Each is fetched into a store of its own and
 * checked out by the same code as the tree itself. git's own submodule command would write into the
 * configuration of one worktree for all of them, and follow its addresses further than ours may lead.
 */
import { createHash } from 'node:crypto';
import { existsSync, lstatSync } from 'node:fs';
import { join } from 'node:path';
import { SyncError } from './failure.ts';
import { checkOut, gitIn, type Place } from './checkout.ts';
import { Store, type Limits } from './store.ts';
import { resolveSubmodule, type RepositoryAddress } from './url.ts';

/** The mode of a submodule's entry in an index. */
const GITLINK = '160000';
/** A submodule of a submodule of … is a mistake, or meant to exhaust us. */
const DEEPEST = 10;

export interface SubmoduleOptions {
  readonly recursive: boolean;
  readonly depth: number;
  readonly readOnly: boolean;
  /** Where a repository's objects are kept. */
  readonly openStore: (address: RepositoryAddress, directory: string) => Store;
  /** The directory of those stores. */
  readonly modules: string;
  /** Told the name of each that is used. */
  readonly used: (name: string) => void;
}

/**
 * Check out the submodules of a checked out tree.
 * @param parent the tree's store and commit
 * @param to the tree
 * @param limits as for all of git
 * @param level how deep this tree is itself
 * @throws {SyncError} `submodule` when the repository's .gitmodules is wrong
 */
export async function checkOutSubmodules(
  parent: { readonly store: Store; readonly commit: string },
  to: Place,
  options: SubmoduleOptions,
  limits: () => Limits,
  shareWith?: Place,
  level = 1,
): Promise<void> {
  if (!existsSync(join(to.directory, '.gitmodules'))) return;
  const entries = parseEntries(await gitIn(parent.store, to, ['ls-files', '--stage', '-z'], limits()));
  const links = entries.filter(({ mode }) => mode === GITLINK);
  if (links.length === 0) return;
  if (level > DEEPEST) throw new SyncError('submodule', `submodules are nested more than ${DEEPEST} deep`);
  const addresses = await readAddresses(parent.store, parent.commit, limits());
  for (const { path, hash } of links) {
    const text = addresses.get(path);
    if (text === undefined) throw new SyncError('submodule', `.gitmodules has no url for the submodule ${path}`);
    const address = acceptable(text, parent.store.address, path);
    const directory = join(to.directory, path);
    // git made it, as a directory; whatever else it is came from elsewhere.
    if (!lstatSync(directory, { throwIfNoEntry: false })?.isDirectory()) continue;
    const name = `${digest(address.url)}.git`;
    options.used(name);
    const store = options.openStore(address, join(options.modules, name));
    await store.open(limits());
    store.clearLocks();
    await store.fetch(hash, options.depth, limits());
    const place = { directory, index: `${to.index}-${digest(path)}` };
    const share = shareWith && {
      directory: join(shareWith.directory, path),
      index: `${shareWith.index}-${digest(path)}`,
    };
    await checkOut({
      store,
      commit: hash,
      to: place,
      shareWith: share,
      readOnly: options.readOnly,
      ...limits(),
    });
    if (options.recursive) {
      await checkOutSubmodules({ store, commit: hash }, place, options, limits, share, level + 1);
    }
  }
}

/** One entry of git's index. */
export interface Entry {
  readonly mode: string;
  readonly hash: string;
  readonly path: string;
}

/** Entries of `git ls-files --stage -z`: `MODE HASH STAGE\tPATH\0`. */
export function parseEntries(text: string): Entry[] {
  return text.split('\0').flatMap((line) => {
    const [, mode = '', hash = '', path = ''] = /^(\d{6}) ([0-9a-f]+) \d\t(.+)$/s.exec(line) ?? [];
    return path === '' ? [] : [{ mode, hash, path }];
  });
}

/** Urls by path, of a commit's .gitmodules. */
async function readAddresses(store: Store, commit: string, limits: Limits): Promise<Map<string, string>> {
  const text = await store
    .git(
      ['config', '--blob', `${commit}:.gitmodules`, '-z', '--get-regexp', String.raw`^submodule\..*\.(path|url)$`],
      limits,
    )
    .catch((error: SyncError) => {
      if (error.reason === 'timeout' || error.reason === 'stopped') throw error;
      throw new SyncError('submodule', `.gitmodules cannot be read: ${error.message}`, { cause: error });
    });
  const modules = new Map<string, { path?: string; url?: string }>();
  for (const item of text.split('\0')) {
    const [, name = '', key = '', value = ''] = /^submodule\.(.*)\.(path|url)\n(.*)$/s.exec(item) ?? [];
    if (key === '') continue;
    modules.set(name, { ...modules.get(name), [key]: value });
  }
  return new Map(
    [...modules.values()].flatMap(({ path, url }) => (path === undefined || url === undefined ? [] : [[path, url]])),
  );
}

function acceptable(text: string, parent: RepositoryAddress, path: string): RepositoryAddress {
  try {
    return resolveSubmodule(text, parent);
  } catch (error) {
    throw new SyncError('submodule', `the url of the submodule ${path} ${(error as Error).message}`, { cause: error });
  }
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 24);

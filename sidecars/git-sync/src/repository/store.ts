/**
 * The local copy of a repository: objects alone. Versions are directories that need nothing of it, so
 * it can be thrown away and fetched anew at any time while they are served.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, type Dirent } from 'node:fs';
import { dirname, join } from 'node:path';
import { CommandError, runCommand } from '#kit/process/command.ts';
import { asSyncError, SyncError } from './failure.ts';
import { chooseRef, isHash, parseRefs } from './refs.ts';
import { withMemory } from './memory.ts';
import type { Secrets } from './secrets.ts';
import type { GitEnvironment } from './environment.ts';
import type { RepositoryAddress } from './url.ts';

/** The ref that keeps what was fetched last; collecting garbage leaves nothing else. */
const TIP = 'refs/gitsync/tip';
/** Less than this, in bytes, is not worth the work of putting it in order. */
const COLLECT_ABOVE = 4 * 1024 * 1024;
const MAX_OUTPUT = 64 * 1024 * 1024;

export interface Limits {
  /** Milliseconds. */
  readonly timeout: number;
  readonly signal?: AbortSignal;
}

export interface RunOptions extends Limits {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

export class Store {
  readonly directory: string;
  readonly address: RepositoryAddress;
  readonly #environment: GitEnvironment;
  readonly #secrets: Secrets;
  /** Bytes of objects that were left when a repository was put in order. */
  readonly #collected = new Map<string, number>();

  constructor(
    directory: string,
    address: RepositoryAddress,
    { environment, secrets }: { environment: GitEnvironment; secrets: Secrets },
  ) {
    this.directory = directory;
    this.address = address;
    this.#environment = environment;
    this.#secrets = secrets;
  }

  /**
   * Run git in this repository.
   * @returns what it wrote on stdout
   * @throws {SyncError} without secrets in it
   */
  async git(args: readonly string[], { timeout, signal, cwd, env }: RunOptions): Promise<string> {
    try {
      const { stdout } = await runCommand(withMemory(['git', ...args]), {
        cwd: cwd ?? dirname(this.directory),
        env: { ...this.#environment.forGit(this.directory), ...env },
        timeout: Math.max(1, timeout),
        ...(signal && { signal }),
        maxOutput: MAX_OUTPUT,
      });
      return stdout;
    } catch (error) {
      throw asSyncError(error, (text) => this.#secrets.redact(text));
    }
  }

  /** Make it when it is not there: whole, or not at all. */
  async open(limits: Limits): Promise<void> {
    if (this.#isThere()) return;
    this.destroy();
    const unfinished = `${this.directory}.new`;
    rmSync(unfinished, { recursive: true, force: true });
    mkdirSync(dirname(this.directory), { recursive: true });
    await this.git(['init', '--quiet', '--bare', '--template=', '--', unfinished], {
      ...limits,
      env: { GIT_DIR: unfinished },
    });
    renameSync(unfinished, this.directory);
  }

  /** Throw it away. */
  destroy(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** Remove what a git that was killed left behind. Only when no git runs. */
  clearLocks(): void {
    const isLeft = (name: string): boolean => name.endsWith('.lock') || name.startsWith('tmp_');
    const clear = (directory: string, deep: boolean): void => {
      for (const entry of entriesOf(directory)) {
        const path = join(directory, entry.name);
        if (isLeft(entry.name)) rmSync(path, { recursive: true, force: true });
        else if (deep && entry.isDirectory()) clear(path, deep);
      }
    };
    clear(this.directory, false);
    for (const name of ['info', 'objects', 'refs']) clear(join(this.directory, name), true);
  }

  /**
   * Ask the server where a ref is, and fetch nothing.
   * @returns the commit's hash
   * @throws {SyncError} `ref-not-found` and whatever a server may do
   */
  async lookUp(ref: string, limits: Limits): Promise<string> {
    const said = await this.git(['ls-remote', '--quiet', '--', this.address.url, ref, `${ref}^{}`], limits);
    const hash = chooseRef(parseRefs(said), ref);
    if (hash === undefined) throw new SyncError('ref-not-found', `the repository has no branch or tag ${ref}`);
    return hash;
  }

  /**
   * Fetch a ref, or a commit by its hash.
   * @param depth commits of history; 0 is all
   * @returns the commit's hash
   */
  async fetch(ref: string, depth: number, limits: Limits): Promise<string> {
    if (isHash(ref) && (await this.#has(ref, limits))) return ref;
    try {
      await this.#fetch([`+${ref}:${TIP}`], depth, limits);
    } catch (error) {
      // Servers that speak protocol v0 give out tips of refs alone: a commit inside has to come with all.
      if (!isHash(ref) || !(error instanceof SyncError) || error.reason !== 'ref-not-found') throw error;
      await this.#fetch(['+refs/heads/*:refs/gitsync/all/heads/*', '+refs/tags/*:refs/gitsync/all/tags/*'], 0, limits);
      if (!(await this.#has(ref, limits))) throw error;
      await this.git(['update-ref', '--no-deref', TIP, ref], limits);
    }
    return await this.#commitOf(TIP, limits);
  }

  /**
   * Put a repository's objects in order, when there are many files of them, or many bytes more than were
   * left the last time: with little history nearly all that was fetched before is of no use any more.
   * @param directory this repository, or that of a submodule
   */
  async collect(directory: string, limits: Limits): Promise<void> {
    if (!isRepository(directory)) return;
    const env = { GIT_DIR: directory };
    // What a first fetch brought is one pack, and in order.
    const kept = this.#collected.get(directory) ?? largestPack(directory);
    const grown = bytesBelow(join(directory, 'objects')) - kept;
    const much = grown > Math.max(COLLECT_ABOVE, kept);
    const config = ['-c', 'gc.auto=500', '-c', 'gc.autoPackLimit=20', '-c', 'gc.autoDetach=false'];
    // Deltas would be searched for a copy that is thrown away soon.
    const cheap = ['-c', 'pack.window=0', '-c', 'gc.writeCommitGraph=false'];
    await this.git([...config, ...cheap, 'gc', ...(much ? [] : ['--auto']), '--quiet', '--prune=now'], {
      ...limits,
      env,
    });
    if (much) this.#collected.set(directory, bytesBelow(join(directory, 'objects')));
  }

  /** True when every object that the tip needs is there and whole. */
  async isSound(limits: Limits): Promise<boolean> {
    try {
      await this.git(['fsck', '--no-dangling', '--no-progress'], limits);
      return true;
    } catch (error) {
      if (error instanceof SyncError && error.cause instanceof CommandError && error.cause.reason === 'exit')
        return false;
      throw error;
    }
  }

  #isThere(): boolean {
    return isRepository(this.directory);
  }

  async #fetch(refspecs: readonly string[], depth: number, limits: Limits): Promise<void> {
    const shallow = existsSync(join(this.directory, 'shallow'));
    await this.git(
      [
        'fetch',
        '--quiet',
        '--force',
        '--no-tags',
        '--no-write-fetch-head',
        '--no-auto-maintenance',
        '--no-recurse-submodules',
        ...(depth > 0 ? [`--depth=${depth}`] : shallow ? ['--unshallow'] : []),
        '--',
        this.address.url,
        ...refspecs,
      ],
      limits,
    );
  }

  async #has(hash: string, limits: Limits): Promise<boolean> {
    return await this.#commitOf(hash, limits).then(
      () => true,
      (error: SyncError) => {
        if (error.cause instanceof CommandError && error.cause.reason === 'exit') return false;
        throw error;
      },
    );
  }

  async #commitOf(name: string, limits: Limits): Promise<string> {
    const said = await this.git(['rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`], limits);
    return said.trim();
  }
}

const isRepository = (directory: string): boolean =>
  existsSync(join(directory, 'HEAD')) && existsSync(join(directory, 'objects'));

/** Bytes of a repository's largest pack. */
const largestPack = (directory: string): number =>
  entriesOf(join(directory, 'objects/pack')).reduce(
    (most, { name }) =>
      Math.max(most, statSync(join(directory, 'objects/pack', name), { throwIfNoEntry: false })?.size ?? 0),
    0,
  );

/** What the files in a directory of objects take, in bytes. */
function bytesBelow(directory: string): number {
  return entriesOf(directory).reduce((sum, entry) => {
    const path = join(directory, entry.name);
    return sum + (entry.isDirectory() ? bytesBelow(path) : (statSync(path, { throwIfNoEntry: false })?.size ?? 0));
  }, 0);
}

function entriesOf(directory: string): Dirent[] {
  return existsSync(directory) ? readdirSync(directory, { withFileTypes: true }) : [];
}

/** Contracts as a git ref holds them. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { ContractDocument } from '#kit/contract/contract.ts';

/** The ref, or what it holds, cannot be used. */
export class HistoryError extends Error {}

const execute = promisify(execFile);
/** Where a contract is, as its name: that of its folder. */
const CONTRACT = /^(?:sidecars|servers|stacks\/[^/]+\/services)\/([^/]+)\/contract\.json$/;
const MAX_OUTPUT = 16 * 1024 * 1024;

export class History {
  readonly #root: string;
  readonly #commit: string;
  readonly ref: string;

  private constructor(root: string, ref: string, commit: string) {
    this.#root = root;
    this.ref = ref;
    this.#commit = commit;
  }

  /**
   * @param root the project's folder, in a git work tree
   * @param ref anything that git resolves to a commit
   * @throws {HistoryError} when git does not
   */
  static async at(root: string, ref: string): Promise<History> {
    try {
      const commit = await git(root, ['rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`]);
      return new History(root, ref, commit.trim());
    } catch (error) {
      const { code, stderr = '' } = error as { code?: string | number; stderr?: string };
      if (code === 'ENOENT') throw new HistoryError('git is not installed', { cause: error });
      throw new HistoryError(
        `${JSON.stringify(ref)} is no commit, tag or branch here${stderr && `: ${stderr.trim()}`}`,
        { cause: error },
      );
    }
  }

  /** Sidecars that had a contract.json then. */
  async names(): Promise<string[]> {
    return [...(await this.#files()).keys()];
  }

  /**
   * @returns undefined when the sidecar had none
   * @throws {HistoryError} when it was no contract
   */
  async contract(name: string): Promise<ContractDocument | undefined> {
    const path = (await this.#files()).get(name);
    if (path === undefined) return undefined;
    try {
      const document = JSON.parse(
        await git(this.#root, ['show', `${this.#commit}:./${path}`]),
      ) as Partial<ContractDocument>;
      if (typeof document.version !== 'string' || typeof document.parameters !== 'object')
        throw new Error('it has no version or no parameters');
      // Sections that later versions of the kit brought were empty before.
      return {
        name,
        description: '',
        prefixes: [],
        ports: {},
        endpoints: {},
        metrics: {},
        paths: {},
        signals: {},
        exitCodes: {},
        user: '',
        deploy: { memory: '', pids: 0, volumes: {}, tmpfs: [], sharesProcesses: false },
        ...document,
      } as ContractDocument;
    } catch (error) {
      throw new HistoryError(`${this.ref}:${path} is no contract: ${(error as Error).message}`, { cause: error });
    }
  }

  /** Paths of contracts by the name of their folder. */
  async #files(): Promise<Map<string, string>> {
    const listed = await git(this.#root, ['ls-tree', '-r', '-z', '--name-only', this.#commit]);
    return new Map(
      listed.split('\0').flatMap((path) => {
        const name = CONTRACT.exec(path)?.[1];
        return name === undefined ? [] : [[name, path] as const];
      }),
    );
  }
}

/** Git, without a shell in between. */
async function git(root: string, args: readonly string[]): Promise<string> {
  const { stdout } = await execute('git', [...args], { cwd: root, maxBuffer: MAX_OUTPUT });
  return stdout;
}

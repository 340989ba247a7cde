/** A developer, on a machine of their own in the network of a stack with a git server: commits, pushes, looks. */
import type { Project } from './compose.ts';
import type { DockerOptions } from './engine.ts';

/** A version's files, by path. */
export type Files = Readonly<Record<string, string>>;

const CLONE = '/home/developer/app';
export const REMOTE = 'http://git-server:8080/app.git';
export const BRANCH = 'main';

/**
 * Commits as git's fast-import reads them, each with exactly its files.
 * @param versions from the oldest
 * @param branch what they are committed to, on top of what is there
 */
export function commitStream(versions: readonly Files[], branch = BRANCH): string {
  const data = (text: string): string => `data ${Buffer.byteLength(text)}\n${text}\n`;
  return versions
    .map((files, index) => {
      const committer = `committer Developer <developer@example.com> now\n${data(`change ${index + 1}`)}`;
      const from = index === 0 ? `from refs/heads/${branch}^0\n` : '';
      const tree = Object.entries(files).map(([path, text]) => `M 100644 inline ${path}\n${data(text)}`);
      return `commit refs/heads/${branch}\n${committer}${from}deleteall\n${tree.join('')}`;
    })
    .join('');
}

export class Developer {
  readonly #project: Project;

  constructor(project: Project) {
    this.#project = project;
  }

  /** Begin anew with an empty clone of a repository that may be empty. */
  async clone(): Promise<void> {
    await this.bash(`rm -rf ${CLONE}; git init -q --bare ${CLONE}; git -C ${CLONE} remote add origin ${REMOTE}`);
  }

  /**
   * Commit versions, one after the other, without pushing them.
   * @returns their hashes, from the oldest
   */
  async commit(versions: readonly Files[], branch = BRANCH): Promise<string[]> {
    const exists = await this.git(['rev-parse', '--verify', '--quiet', `refs/heads/${branch}`]).catch(() => undefined);
    const stream = commitStream(versions, branch);
    await this.git(['fast-import', '--quiet', '--force', '--date-format=now'], {
      input: exists === undefined ? stream.replace(/^from .*\n/m, '') : stream,
    });
    const log = await this.git(['rev-list', '--reverse', `--max-count=${versions.length}`, branch]);
    return log.split('\n');
  }

  /**
   * Push, as `git push ARGS…` does, without waiting for what becomes of it.
   * @throws {EngineError} when the server does not take it
   */
  async push(...args: readonly string[]): Promise<void> {
    await this.git(['push', '--quiet', '-o', 'no-wait', 'origin', ...(args.length === 0 ? [BRANCH] : args)]);
  }

  /**
   * Commit one version to the branch, push it, and wait as a person would.
   * @returns its hash, and what the push said: what the server tells, line by line
   */
  async publishAndWait(files: Files): Promise<{ hash: string; said: string }> {
    const [hash] = await this.commit([files]);
    const said = await this.bash(
      `git -C ${CLONE} push origin ${BRANCH} 2>&1 | sed -n 's/^remote: //p' | sed 's/ *$//'`,
    );
    return { hash: hash!, said };
  }

  /** Commit one version to the branch and push it; resolves with its hash. */
  async publish(files: Files): Promise<string> {
    const [hash] = await this.commit([files]);
    await this.push();
    return hash!;
  }

  /** Run git in the clone; resolves with its standard output. */
  git(args: readonly string[], options: DockerOptions = {}): Promise<string> {
    return this.#project.exec('developer', ['git', '-C', CLONE, ...args], { timeoutMs: 60_000, ...options });
  }

  /**
   * Run a script of bash in the developer's home; resolves with its standard output.
   * @param args what the script gets as `$1` and on: never a part of it
   * @param seconds until it is ended: there, since what ends `docker exec` leaves its program running
   */
  bash(script: string, args: readonly string[] = [], seconds = 120): Promise<string> {
    return this.#project.exec(
      'developer',
      ['timeout', '--kill-after=5', String(seconds), 'bash', '-c', script, 'bash', ...args],
      { timeoutMs: (seconds + 10) * 1000, subject: 'bash in service developer' },
    );
  }
}

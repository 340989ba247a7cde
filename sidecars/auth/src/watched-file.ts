/** Files of configuration: read at start, where a mistake ends it; looked at again, where a mistake keeps what was. */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { unreadable } from '#kit/files/remedy.ts';
import { DirectoryWatch } from '#kit/files/directory-watch.ts';
import type { Logger } from '#kit/telemetry/log.ts';
import { ConfigurationError, type Problem } from '#kit/contract/parameters.ts';

const MAX_SIZE = 8 * 1024 * 1024;
const SETTLE = 100;
const POLL = 5000;

export interface WatchedFile {
  /** The parameter that names it. */
  readonly parameter: string;
  readonly path: string;
  /** Others must not be able to read it. */
  readonly secret: boolean;
  /** Take its content. @throws an Error that says what is wrong with it, without showing it */
  readonly load: (text: string) => void;
}

const problem = (parameter: string, message: string, reason: Problem['reason'] = 'malformed'): ConfigurationError =>
  new ConfigurationError([{ parameter, reason, message: `${parameter}: ${message}` }]);

/**
 * Read a file of configuration.
 * @throws {ConfigurationError} in one line: unreadable, empty, too long, or a secret that others can read
 */
export async function readConfigured({ parameter, path, secret }: Omit<WatchedFile, 'load'>): Promise<string> {
  let text: string;
  try {
    const file = await open(path, constants.O_RDONLY);
    try {
      const { mode, size } = await file.stat();
      if (secret && (mode & 0o004) !== 0)
        throw problem(
          parameter,
          `others can read ${path} (mode ${(mode & 0o777).toString(8).padStart(4, '0')}); accepted is a file that its owner and group alone can read: chmod o-rwx`,
        );
      if (size > MAX_SIZE) throw problem(parameter, `${path} is longer than ${MAX_SIZE} bytes`);
      text = await file.readFile('utf8');
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof ConfigurationError) throw error;
    throw problem(parameter, `${unreadable(path, error)}; accepted is a readable file`, 'unreadable');
  }
  if (text.trim() === '') throw problem(parameter, `${path} is empty`);
  return text;
}

async function loadOnce(file: WatchedFile): Promise<string> {
  const text = await readConfigured(file);
  try {
    file.load(text);
  } catch (error) {
    throw problem(file.parameter, `${file.path} ${(error as Error).message}`);
  }
  return text;
}

export class WatchedFiles {
  readonly #files: readonly WatchedFile[];
  readonly #log: Pick<Logger, 'info' | 'warn'>;
  readonly #seen = new Map<WatchedFile, string>();
  #watch: DirectoryWatch | undefined;
  #looking: Promise<void> = Promise.resolve();

  constructor(files: readonly WatchedFile[], log: Pick<Logger, 'info' | 'warn'>) {
    this.#files = files;
    this.#log = log;
  }

  /** Read all, and watch them. @throws {ConfigurationError} with all that is wrong */
  async start(): Promise<void> {
    const problems: Problem[] = [];
    for (const file of this.#files) {
      try {
        this.#seen.set(file, await loadOnce(file));
      } catch (error) {
        if (!(error instanceof ConfigurationError)) throw error;
        problems.push(...error.problems);
      }
    }
    if (problems.length > 0) throw new ConfigurationError(problems);
    if (this.#files.length === 0) return;
    this.#watch = new DirectoryWatch({
      onChange: () => this.look(),
      onPoll: () => this.look(),
      onBlind: () => {},
      settle: SETTLE,
      poll: POLL,
    });
    await this.#follow();
  }

  async #follow(): Promise<boolean> {
    const paths = this.#files.map(({ path }) => path);
    return (await this.#watch?.follow([...new Set(paths.map((path) => dirname(path)))], paths)) ?? false;
  }

  /** Look at all again. */
  look(): void {
    this.#looking = this.#looking.then(() => this.#look()).catch(() => {});
  }

  async #look(): Promise<void> {
    for (const file of this.#files) {
      try {
        const text = await readConfigured(file);
        if (text === this.#seen.get(file)) continue;
        this.#seen.set(file, text);
        file.load(text);
        this.#log.info({ parameter: file.parameter }, 'a file has changed and is in use');
      } catch (error) {
        this.#log.warn(
          { parameter: file.parameter, reason: (error as Error).message },
          'a changed file cannot be used; what it held before stays',
        );
      }
    }
    await this.#follow();
  }

  close(): void {
    this.#watch?.close();
  }
}

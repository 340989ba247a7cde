/** The policy file, watched: what is good is taken, what is bad is said, and the last good one stays. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { publishFile } from '#kit/files/atomic-file.ts';
import { DirectoryWatch } from '#kit/files/directory-watch.ts';
import { readKept } from '#kit/files/kept-file.ts';
import { parsePolicy } from './parse.ts';
import type { Policy } from './types.ts';

export interface PolicyWatchOptions {
  readonly path: string;
  /** Where the last good text is kept: in force after a start at which the file cannot be used. */
  readonly lastGood: string;
  /** @param digest SHA-256 of the text, in hex */
  readonly onPolicy: (policy: Policy, digest: string) => void;
  /** The file cannot be used: what is wrong, a line each. */
  readonly onRefusal: (error: Error) => void;
  /** A look that failed otherwise; the next one comes. */
  readonly onFailure: (error: unknown) => void;
  /** Between two looks where changes make no events, in milliseconds. */
  readonly poll?: number;
}

const SETTLE = 50;

export class PolicyWatch {
  readonly #options: PolicyWatchOptions;
  readonly #watch: DirectoryWatch;
  #text: string | undefined;
  /** There is a policy in force. */
  #used = false;
  #reading = Promise.resolve();

  constructor(options: PolicyWatchOptions) {
    this.#options = options;
    const look = (): void => void this.read();
    this.#watch = new DirectoryWatch({
      onChange: look,
      onPoll: look,
      // Polling goes on.
      onBlind: () => {},
      settle: SETTLE,
      poll: options.poll ?? 2000,
    });
  }

  /** Look at the file now; one look at a time. */
  async read(): Promise<void> {
    this.#reading = this.#reading.then(async () => await this.#look()).catch(this.#options.onFailure);
    await this.#reading;
  }

  close(): void {
    this.#watch.close();
  }

  async #look(): Promise<void> {
    const { path, lastGood, onRefusal } = this.#options;
    await this.#watch.follow([dirname(path)], [path]);
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      if (this.#text === '') return;
      this.#text = '';
      await this.#fallBack();
      onRefusal(error as Error);
      return;
    }
    if (text === this.#text) return;
    this.#text = text;
    let policy: Policy;
    try {
      policy = parsePolicy(text, basename(path));
    } catch (error) {
      await this.#fallBack();
      onRefusal(error as Error);
      return;
    }
    this.#use(policy, text);
    await publishFile(lastGood, text, { mode: 0o600 });
  }

  #use(policy: Policy, text: string): void {
    this.#used = true;
    this.#options.onPolicy(policy, createHash('sha256').update(text).digest('hex'));
  }

  /** Without a policy everybody might do everything: the one of before the start is in force. */
  async #fallBack(): Promise<void> {
    if (this.#used) return;
    const { lastGood, onFailure } = this.#options;
    try {
      const text = readKept(lastGood)?.toString();
      if (text !== undefined) this.#use(parsePolicy(text, basename(lastGood)), text);
    } catch (error) {
      onFailure(error);
    }
  }
}

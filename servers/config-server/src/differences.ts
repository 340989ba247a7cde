/**
 * Diffs that hold up nobody: small ones are made at once, for at most a moment; others in a process of
 * their own, of which there are few at a time.
 */
import { join } from 'node:path';
import { runInChild, ChildFailed } from '#kit/process/run-in-child.ts';
import { difference, type Side } from './difference.ts';
import { Refusal } from './access/refusal.ts';

/** The argument that makes this program the process that makes one diff. */
export const DIFF = '--diff';

/** Both sides together, in bytes. */
const AT_ONCE_MAX = 16 * 1024;
const MAX = 4 * 1024 * 1024;
/** How long a small one may take, in milliseconds: so long nobody else is answered. */
const MOMENT = 20;
/** How long a large one may take, in milliseconds: to be found, and in all. */
const PATIENCE = 2000;
const TIMEOUT = 10_000;
/** In MiB. */
const HEAP = 96;
/** Processes at a time, and requests that wait for one. */
const MOST_AT_WORK = 2;
const MOST_WAITING = 16;

/** Bundled, the program is one file. */
const PROGRAM = import.meta.filename.endsWith('.ts') ? join(import.meta.dirname, 'main.ts') : import.meta.filename;

interface Order {
  readonly from: Side;
  readonly to: Side;
}

/** What the process of its own does. */
export const makeDifference = ({ from, to }: Order): string | undefined => difference(from, to, PATIENCE);

export class Differences {
  #atWork = 0;
  readonly #waiting: (() => void)[] = [];

  /**
   * A unified diff.
   * @returns empty when both are the same; a sentence where they are no text, too large, or differ too much
   * @throws {Refusal} busy when too many are asked for at a time
   */
  async between(from: Side, to: Side): Promise<string> {
    const size = from.content.byteLength + to.content.byteLength;
    if (size > MAX) return `${from.name} and ${to.name} are too large to be compared\n`;
    const atOnce = size <= AT_ONCE_MAX ? difference(from, to, MOMENT) : undefined;
    return (
      atOnce ??
      (await this.#compareInChild({ from, to })) ??
      `${from.name} and ${to.name} differ too much to be compared\n`
    );
  }

  async #compareInChild(order: Order): Promise<string | undefined> {
    await this.#turn();
    try {
      const env = { PATH: process.env['PATH'] };
      return await runInChild<string | undefined>(order, {
        program: PROGRAM,
        argument: DIFF,
        env,
        heap: HEAP,
        timeout: TIMEOUT,
      });
    } catch (error) {
      if (!(error instanceof ChildFailed)) throw error;
      return undefined;
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#atWork -= 1;
    }
  }

  async #turn(): Promise<void> {
    if (this.#atWork < MOST_AT_WORK) {
      this.#atWork += 1;
      return;
    }
    if (this.#waiting.length >= MOST_WAITING) throw new Refusal('busy', 'too many differences at a time');
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}

/** The thread that computes bcrypt: a hash takes a tenth of a second, which nobody else shall wait for. */
import { Worker, parentPort } from 'node:worker_threads';
import { compareSync } from 'bcryptjs';

/** Passwords that may wait for their turn; more are sent away. */
const MAX_WAITING = 16;
/** The thread ends when nobody asked for so long, in milliseconds. */
const IDLE = 60_000;
/** A hash that takes longer has hung, in milliseconds. */
const DEADLINE = 30_000;

interface Order {
  readonly number: number;
  readonly password: string;
  readonly hash: string;
}
interface Answer {
  readonly number: number;
  readonly same: boolean;
}

export class PasswordThread {
  readonly #program: URL;
  readonly #waiting = new Map<number, (same: boolean | undefined) => void>();
  #worker: Worker | undefined;
  #number = 0;
  #idle: NodeJS.Timeout | undefined;

  /** @param program the file that calls `servePasswords` when it is a thread */
  constructor(program: URL) {
    this.#program = program;
  }

  /** Whether a password fits a hash; undefined where too many wait, or the thread failed. */
  async compare(password: string, hash: string): Promise<boolean | undefined> {
    if (this.#waiting.size >= MAX_WAITING) return undefined;
    const { promise, resolve } = Promise.withResolvers<boolean | undefined>();
    this.#number += 1;
    this.#waiting.set(this.#number, resolve);
    const late = setTimeout(() => this.#end(), DEADLINE);
    clearTimeout(this.#idle);
    this.#started().postMessage({ number: this.#number, password, hash } satisfies Order);
    try {
      return await promise;
    } finally {
      clearTimeout(late);
      if (this.#waiting.size === 0) this.#idle = setTimeout(() => this.#end(), IDLE).unref();
    }
  }

  #started(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const worker = new Worker(this.#program, {
      // Of the environment it needs nothing, and of memory little.
      env: {},
      resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 },
    });
    worker.unref();
    worker.on('message', ({ number, same }: Answer) => {
      this.#waiting.get(number)?.(same);
      this.#waiting.delete(number);
    });
    worker.on('error', () => this.#end(worker));
    worker.on('exit', () => this.#end(worker));
    return (this.#worker = worker);
  }

  /** Who still waits gets no answer; the next one starts a new thread. */
  #end(worker = this.#worker): void {
    if (worker !== this.#worker || worker === undefined) return;
    this.#worker = undefined;
    for (const resolve of this.#waiting.values()) resolve(undefined);
    this.#waiting.clear();
    void worker.terminate();
  }
}

/** Be that thread. */
export function servePasswords(): void {
  parentPort!.on('message', ({ number, password, hash }: Order) => {
    parentPort!.postMessage({ number, same: compareSync(password, hash) } satisfies Answer);
  });
}

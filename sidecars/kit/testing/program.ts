/** A program of ours as a process of its own, as a test sees it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { request } from '#kit/net/http-client.ts';
import { eventually, TerminalState, type Within } from './eventually.ts';
import { freePort } from './ports.ts';
import { temporaryDirectory } from './temporary.ts';

/** Programs that are killed leave what they had under TMPDIR: it goes with the test's process. */
let scratch: string | undefined;
const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Text that goes with an error, in characters. */
const LAST_WORDS = 3000;

export interface Answer {
  readonly status: number;
  readonly text: string;
}

export class Program {
  readonly child: ChildProcess;
  /** All of its environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly #ended: Promise<unknown>;
  #output = '';

  /**
   * Start it; it is not waited for, and killed at the latest when the test's process ends.
   * @param args of node: a file of ours, and what follows it
   * @param env all of its environment besides PATH and TMPDIR; `startProgram` gives it an admin port of its own
   */
  constructor(args: readonly string[], env: Readonly<Record<string, string>>) {
    this.env = env;
    this.child = spawn(process.execPath, args, {
      env: { PATH: process.env['PATH'], TMPDIR: (scratch ??= temporaryDirectory('program')), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#ended = once(this.child, 'close');
    for (const stream of [this.child.stdout!, this.child.stderr!])
      stream.on('data', (chunk: Buffer) => (this.#output += String(chunk)));
    this.#hold(false);
    running.add(this.child);
    void this.#ended.then(() => running.delete(this.child));
  }

  /** What it said so far, on both streams. */
  get output(): string {
    return this.#output;
  }

  /** Ask it. @param port the admin port where absent */
  async get(path: string, port: number | string = this.env['ADMIN_PORT']!): Promise<Answer> {
    const { status, body } = await request(`http://127.0.0.1:${port}${path}`, { timeout: 5000 });
    return { status, text: String(body) };
  }

  /**
   * A metric's value.
   * @param name with its labels as they are printed; without, the first of that name is taken
   * @returns 0 where there is none
   */
  async metric(name: string): Promise<number> {
    const lines = (await this.get('/metrics')).text.split('\n');
    const line = lines.find((each) => each.startsWith(`${name} `) || each.startsWith(`${name}{`));
    return line === undefined ? 0 : Number(line.slice(line.lastIndexOf(' ') + 1));
  }

  /** `eventually`, which gives up when the program has ended, and shows what it said last. */
  async eventually<T>(
    what: string,
    look: () => T | Promise<T>,
    options: Within = {},
  ): Promise<Exclude<T, undefined | null | false>> {
    const alive = (): T | Promise<T> => {
      if (this.child.exitCode === null && this.child.signalCode === null) return look();
      throw new TerminalState(`${what}: the program ended with ${this.child.exitCode ?? this.child.signalCode}`);
    };
    try {
      return await eventually(what, alive, options);
    } catch (error) {
      const readiness = await this.get('/readyz').catch(() => undefined);
      const said = [readiness?.text, this.#output.slice(-LAST_WORDS)].filter(Boolean).join('\n');
      throw new Error(`${(error as Error).message}\n${said}`, { cause: error });
    }
  }

  /**
   * Wait until a path answers with a status.
   * @param pattern what the answer's text must match
   */
  async answers(path: string, status: number, pattern = /(?:)/): Promise<Answer> {
    return await this.eventually(`${path} says ${status} ${pattern.source}`, async () => {
      const answer = await this.get(path);
      return answer.status === status && pattern.test(answer.text) && answer;
    });
  }

  /** Wait until it has started: /startupz answers 200. */
  async up(): Promise<void> {
    await this.answers('/startupz', 200);
  }

  /** Wait for its end. @returns its exit code; null when a signal ended it */
  async ended(): Promise<number | null> {
    this.#hold(true);
    await this.#ended;
    return this.child.exitCode;
  }

  /** End it, and wait until it has ended. @returns its exit code; null when a signal ended it */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    this.child.kill(signal);
    return await this.ended();
  }

  /** Whether the test's process stays for it: not when a test has failed and nobody waits any more. */
  #hold(on: boolean): void {
    for (const each of [this.child, this.child.stdout as Socket, this.child.stderr as Socket]) {
      if (on) each.ref();
      else each.unref();
    }
  }
}

/**
 * Start a program with an admin port of its own on 127.0.0.1; see `Program`.
 * @param env the rest of its environment
 */
export async function startProgram(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Program> {
  return new Program(args, { ADMIN_ADDRESS: '127.0.0.1', ADMIN_PORT: String(await freePort()), ...env });
}

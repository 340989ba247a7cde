/**
 * A machine on which one process of ours runs, and others beside it: time passes only by what is done, and others act
 * between any two of its system calls. One seed is one run, which can be had again to the byte.
 */
import { FileSystem } from './file-system.ts';
import { Random } from './random.ts';

const { crc32 } = process.getBuiltinModule('node:zlib');

/** When the machine is started, in milliseconds since the epoch. */
const EPOCH = Date.UTC(2026, 10, 21, 8);

/** Ends what a killed process was about. */
export class Killed extends Error {
  override readonly name = 'Killed';
}

/** Another program: each `yield` is one of its system calls, and how long until the next, in milliseconds. */
export type Program = Generator<number, void, void>;

export interface Event {
  readonly at: number;
  readonly order: number;
  run: (() => void) | undefined;
}

export interface MachineOptions {
  /** How long a system call of the process takes, in milliseconds. */
  readonly callTime?: (random: Random) => number;
  /** How finely files are dated, in microseconds. */
  readonly granularity?: number;
  /** Keep what was done as text. */
  readonly trace?: boolean;
}

/** Events in the order of their time. */
class Agenda {
  readonly #events: Event[] = [];

  add(event: Event): void {
    let at = this.#events.length;
    while (at > 0 && this.#events[at - 1]!.at > event.at) at--;
    this.#events.splice(at, 0, event);
  }

  get first(): Event | undefined {
    while (this.#events.length > 0 && this.#events[0]!.run === undefined) this.#events.shift();
    return this.#events[0];
  }

  /** The first, which is no longer there. */
  take(): Event | undefined {
    const event = this.first;
    this.#events.shift();
    return event;
  }

  clear(): void {
    this.#events.length = 0;
  }
}

export class Machine {
  readonly random: Random;
  readonly files: FileSystem;
  /** In milliseconds since the machine was started. */
  now = 0;
  /** Of all that the process did, and when: two runs of a seed have the same. */
  digest = 0;
  readonly trace: string[] | undefined;
  /** What the process threw, and nobody caught. */
  readonly thrown: unknown[] = [];
  /** Other programs that run. */
  programs = 0;
  /** How often the process was started, and the power was cut. */
  boots = 0;
  powerCuts = 0;
  /** System calls of the process. */
  calls = 0;
  /** The process is killed after this number of system calls. */
  killAfter = Infinity;
  /** Which system call of the process fails, with which code. */
  fault: ((call: string, path: string) => string | undefined) | undefined;
  readonly #callTime: (random: Random) => number;
  readonly #granularity: number;
  readonly #others = new Agenda();
  readonly #own = new Agenda();
  readonly #immediates: Event[] = [];
  #order = 0;
  #alive = false;
  #inCall = false;

  constructor(seed: number, { callTime = () => 0.01, granularity = 1, trace = false }: MachineOptions = {}) {
    this.random = new Random(seed);
    this.#callTime = callTime;
    this.#granularity = granularity;
    this.trace = trace ? [] : undefined;
    const clock = (): number => {
      const now = Math.round((EPOCH + this.now) * 1000);
      return now - (now % this.#granularity);
    };
    this.files = new FileSystem(clock, trace ? (what) => this.say(what) : undefined);
  }

  /** By the clock on the wall, in milliseconds since the epoch. */
  get wallClock(): number {
    return EPOCH + this.now;
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** Something was done: part of what must be the same the next time. */
  note(what: string): void {
    this.digest = crc32(`${this.now.toFixed(4)} ${what}`, this.digest);
    this.say(what);
  }

  /** A line of the trace alone. */
  say(what: string): void {
    this.trace?.push(`${this.now.toFixed(3).padStart(12)} ${what}`);
  }

  /** Have another program run. */
  start(program: Program): void {
    const next = (delay: number): void =>
      this.after(delay, () => {
        const { value, done } = program.next();
        if (done === true) this.programs -= 1;
        else next(value);
      });
    this.programs += 1;
    next(0);
  }

  /** Do something that is not the process's own. @param delay in milliseconds */
  after(delay: number, run: () => void): void {
    this.#others.add({ at: this.now + Math.max(0, delay), order: this.#order++, run });
  }

  /** A timer of the process, which ends with it. */
  schedule(delay: number, run: () => void): Event {
    const event = { at: this.now + Math.max(0, delay), order: this.#order++, run };
    if (this.#alive) this.#own.add(event);
    return event;
  }

  /** After what is at work in the process now. */
  immediate(run: () => void): Event {
    const event = { at: this.now, order: this.#order++, run };
    if (this.#alive) this.#immediates.push(event);
    return event;
  }

  /** The process begins. */
  boot(run: () => void): void {
    this.#alive = true;
    this.boots += 1;
    this.#perform({ at: this.now, order: this.#order++, run });
  }

  /**
   * A system call of the process: time passes, others act, and it may be the last one.
   * @throws {Killed} when the process has been killed
   * @throws the system's error where one is due
   */
  call(call: string, path: string): void {
    if (!this.#alive) throw new Killed();
    this.calls += 1;
    this.now += this.#callTime(this.random);
    if (!this.#inCall) {
      this.#inCall = true;
      this.#passDue();
      this.#inCall = false;
    }
    this.note(`${call} ${path}`);
    if (this.calls >= this.killAfter) this.kill();
    if (!this.#alive) throw new Killed();
    const code = this.fault?.(call, path);
    if (code !== undefined) throw Object.assign(new Error(`${code}: ${call} '${path}'`), { code, syscall: call, path });
  }

  /** End the process at once. */
  kill(): void {
    this.note('kill');
    this.#alive = false;
    this.killAfter = Infinity;
    this.#own.clear();
    this.#immediates.length = 0;
    this.files.closeAll(PROCESS);
  }

  /**
   * Go on.
   * @param until in milliseconds since the start
   * @param turn lets promises have their turn; the real one
   */
  async run(until: number, turn: () => Promise<void>): Promise<void> {
    for (;;) {
      await turn();
      const immediate = this.#immediates.shift();
      if (immediate !== undefined) {
        this.#passDue();
        this.#perform(immediate);
        continue;
      }
      const own = this.#own.first;
      const other = this.#others.first;
      const next = other !== undefined && (own === undefined || other.at <= own.at) ? other : own;
      if (next === undefined || next.at > until) {
        this.now = Math.max(this.now, until);
        return;
      }
      this.now = Math.max(this.now, next.at);
      if (next === other) this.#others.take()!.run?.();
      else this.#perform(this.#own.take()!);
    }
  }

  #passDue(): void {
    for (let event = this.#others.first; event !== undefined && event.at <= this.now; event = this.#others.first)
      this.#others.take()!.run?.();
  }

  #perform({ run }: Event): void {
    try {
      run?.();
    } catch (error) {
      if (!(error instanceof Killed)) this.thrown.push(error);
    }
  }
}

/** Owner of the process's descriptors. */
export const PROCESS = 'process';

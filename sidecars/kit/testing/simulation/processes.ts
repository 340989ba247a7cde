/**
 * Programs that the process on a simulated machine starts: they work beside it, and go on when it is killed. It is imported
 * in place of promises.ts, which it imports first.
 */
import { EventEmitter } from 'node:events';
import { syncBuiltinESMExports } from 'node:module';
import './promises.ts';
import { current, replace } from './install.ts';
import { systemError } from './inode.ts';
import type { Machine } from './machine.ts';

/** One run of a program, as the program sees it. */
export interface Execution {
  readonly machine: Machine;
  /** Owner of its descriptors. */
  readonly owner: string;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
}

/** A program: each `yield` is one of its system calls, and how long until the next, in milliseconds; it ends with its status. */
export type Executable = (execution: Execution) => Generator<number, number, void>;

/** Above all pids that the real system gives. */
const FIRST_PID = 10_000_000;
/** Until the end of a program is heard of, in milliseconds. */
const HEARD = 0.5;

interface Running {
  readonly pid: number;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** In milliseconds since the machine was started. */
  readonly started: number;
  end(code: number | null, signal: NodeJS.Signals | null): void;
}

/** What runs on a machine beside its process, and by what it is run. */
export class Programs {
  readonly #machine: Machine;
  readonly #find: (name: string) => Executable | undefined;
  readonly #stepped: () => void;
  readonly #running = new Map<number, Running>();
  #next = FIRST_PID;

  /** @param find a program by its name @param stepped told after each step of one */
  constructor(machine: Machine, find: (name: string) => Executable | undefined, stepped: () => void = () => {}) {
    this.#machine = machine;
    this.#find = find;
    this.#stepped = stepped;
    onMachine.set(machine, this);
  }

  get running(): readonly Running[] {
    return [...this.#running.values()];
  }

  /** All of them end, as when a container does. */
  endAll(): void {
    for (const each of this.running) each.end(null, 'SIGKILL');
  }

  /** @throws ESRCH */
  kill(pid: number, signal: NodeJS.Signals | 0): true {
    const found = this.#running.get(Math.abs(pid));
    if (found === undefined) throw systemError('ESRCH', 'kill', String(pid));
    if (signal !== 0) found.end(null, signal);
    return true;
  }

  start(
    [name = '', ...args]: readonly string[],
    { cwd = '/', env = {} }: { cwd?: string; env?: Record<string, string | undefined> } = {},
  ): Child {
    const machine = this.#machine;
    const child = new Child();
    const program = this.#find(name);
    machine.call('execve', name);
    if (program === undefined || machine.files.at(cwd) === undefined) {
      machine.immediate(() => child.emit('error', systemError('ENOENT', `spawn ${name}`, name)));
      return child;
    }
    const pid = this.#next++;
    child.pid = pid;
    const owner = `${name}-${pid - FIRST_PID}`;
    const text = { stdout: '', stderr: '' };
    const execution = {
      machine,
      owner,
      argv: args,
      env,
      cwd,
      stdout: (more: string) => void (text.stdout += more),
      stderr: (more: string) => void (text.stderr += more),
    };
    const { boots } = machine;
    const steps = program(execution);
    let isOver = false;
    const end = (code: number | null, signal: NodeJS.Signals | null): void => {
      if (isOver) return;
      isOver = true;
      machine.say(`${owner} ended with ${code ?? signal}`);
      machine.files.closeAll(owner);
      this.#running.delete(pid);
      // Who started it may be another process by now, which has not heard of it.
      const hears = (tell: () => void): void =>
        machine.after(HEARD, () => {
          if (machine.boots === boots) machine.immediate(tell);
        });
      hears(() => {
        for (const stream of ['stdout', 'stderr'] as const)
          if (text[stream] !== '') child[stream].emit('data', Buffer.from(text[stream]));
        child.emit('close', code, signal);
      });
    };
    const step = (): void => {
      if (isOver) return;
      try {
        const { value, done } = steps.next();
        this.#stepped();
        if (done === true) end(value, null);
        else machine.after(value, step);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === undefined) throw error;
        // The system says no to what somebody else took away, say.
        execution.stderr(`${name}: ${(error as Error).message}\n`);
        end(1, null);
      }
    };
    this.#running.set(pid, { pid, argv: [name, ...args], env, started: machine.now, end });
    machine.say(`${owner} started: ${[name, ...args].join(' ')}`);
    machine.after(0, step);
    return child;
  }

  /** A file of /proc, as far as it is read; undefined for what is not there. */
  proc(path: string): string | undefined {
    if (path === '/proc/uptime') return `${(this.#machine.now / 1000).toFixed(2)} 0.00\n`;
    if (path === '/proc/sys/kernel/random/boot_id') return `boot-${this.#machine.powerCuts}\n`;
    const [, pid, name] = /^\/proc\/(\d+)\/(\w+)$/.exec(path) ?? [];
    const found = this.#running.get(Number(pid));
    if (found === undefined) return undefined;
    const fields = ['S', '1', ...Array<string>(17).fill('0'), String(Math.ceil(found.started / 10))];
    const texts: Readonly<Record<string, string>> = {
      stat: `${pid} (${found.argv[0]}) ${fields.join(' ')}`,
      status: `Name:\t${found.argv[0]}\nUid:\t0\t0\t0\t0\n`,
      cmdline: `${found.argv.join('\0')}\0`,
      environ: Object.entries(found.env)
        .map(([key, value]) => `${key}=${value}\0`)
        .join(''),
    };
    return texts[name!];
  }
}

/** As `spawn` returns it, as far as it is used. */
class Child extends EventEmitter {
  pid: number | undefined;
  readonly stdout = new Pipe();
  readonly stderr = new Pipe();
  readonly stdin = new Pipe();
}

class Pipe extends EventEmitter {
  end(): void {}
  destroy(): void {
    this.removeAllListeners('data');
  }
}

const onMachine = new WeakMap<Machine, Programs>();

/** Those of the machine that runs. */
function here(): Programs | undefined {
  const machine = current();
  return machine && onMachine.get(machine);
}

const fs = process.getBuiltinModule('node:fs');
const children = process.getBuiltinModule('node:child_process');

replace(children, 'spawn', (real, given) => {
  const programs = here();
  if (programs === undefined) return Reflect.apply(real, children, given) as unknown;
  const [name, args, options] = given as [string, readonly string[], Parameters<Programs['start']>[1]];
  return programs.start([name, ...args], options);
});
replace(process, 'kill', (real, given) =>
  here() !== undefined && Math.abs(Number(given[0])) >= FIRST_PID
    ? here()!.kill(given[0] as number, given[1] as NodeJS.Signals)
    : (Reflect.apply(real, process, given) as unknown),
);
replace(fs, 'readFileSync', (real, given) => {
  const programs = String(given[0]).startsWith('/proc/') ? here() : undefined;
  if (programs === undefined) return Reflect.apply(real, fs, given) as unknown;
  const text = programs.proc(String(given[0]));
  if (text === undefined) throw systemError('ENOENT', 'open', String(given[0]));
  return text;
});
replace(fs, 'readdirSync', (real, given) =>
  given[0] === '/proc' && here() !== undefined
    ? here()!.running.map(({ pid }) => String(pid))
    : (Reflect.apply(real, fs, given) as unknown),
);
syncBuiltinESMExports();

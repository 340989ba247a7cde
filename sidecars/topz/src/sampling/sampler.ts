/** When to look at the processes: when somebody asks, and now and then for the plots. */
import { unreadable } from '#kit/files/remedy.ts';
import { CpuWindow } from './cpu.ts';
import { Groups, type Group } from './groups.ts';
import { History } from '../proc/history.ts';
import type { Mask } from '../mask/mask.ts';
import { readCgroupLimits } from '../proc/cgroup-limits.ts';
import { readLoad, readMachine, readUptime, type Machine } from '../proc/machine.ts';
import type { Process } from '../proc/process.ts';
import { Scanner } from '../proc/scanner.ts';

export interface SamplerOptions {
  readonly proc?: string;
  readonly mask: Mask;
  readonly maxProcesses: number;
  readonly maxGroups: number;
  /** Names of containers by the first 12 digits of their id. */
  readonly names?: ReadonlyMap<string, string>;
  /** Milliseconds between two samples of the plots; 0 for none. */
  readonly period: number;
  /** How far back plots go, in milliseconds. */
  readonly span: number;
  /** Told about each scan. */
  readonly onScan?: (scan: { milliseconds: number; vanished: number; problem: string | undefined }) => void;
}

/** What there is to show; its processes and groups change with the next look. */
export interface Snapshot {
  /** When it was taken, milliseconds since the epoch. */
  readonly time: number;
  /** The same in seconds since the machine's start. */
  readonly uptime: number;
  /** Seconds over which shares of the processor were measured; null before there is a window. */
  readonly window: number | null;
  readonly load: readonly [number, number, number];
  readonly machine: Machine;
  readonly processes: ReadonlyMap<number, Process>;
  readonly groups: readonly Group[];
  /** Processes beyond the bound. */
  readonly omitted: number;
  /** Why the processes of the pod cannot be seen; undefined when they can. */
  readonly problem: string | undefined;
  /** Number of the last sample of the histories. */
  readonly tick: number;
}

/** Several who ask at once are shown the same: milliseconds for which a look counts as fresh. */
const FRESH = 100;
/** Process 1 is in every pid namespace, of another user mostly; who does not see it sees only a part. */
const HIDDEN =
  'process 1 is not to be seen: /proc hides the processes of other users (it is mounted with hidepid); ' +
  'mount it without, or run topz as their user or in the group of its gid= option';
/** The clock may have slept with the machine, or been set: more than this, in seconds, is no drift. */
const LEAP = 0.1;

export class Sampler {
  readonly machine: Machine;
  /** Milliseconds between two samples. */
  readonly period: number;
  readonly #options: SamplerOptions;
  readonly #scanner: Scanner;
  readonly #window: CpuWindow;
  readonly #groups: Groups;
  readonly #samples: number;
  #timer: NodeJS.Timeout | undefined;
  #tick = 0;
  #scannedAt = -Infinity;
  #vanished = 0;
  /** Seconds from the machine's start to the beginning of `performance.now()`. */
  #offset = Number.NaN;
  #snapshot: Snapshot | undefined;

  constructor(options: SamplerOptions) {
    const { proc = '/proc', period, span } = options;
    this.#options = options;
    this.period = period;
    this.machine = readMachine(proc);
    this.#samples = period === 0 ? 1 : Math.ceil(span / period);
    this.#scanner = new Scanner({ ...options, ticksPerSecond: this.machine.ticksPerSecond });
    this.#window = new CpuWindow(this.machine.ticksPerSecond);
    this.#groups = new Groups({
      maxGroups: options.maxGroups,
      samples: this.#samples,
      ...(options.names && { names: options.names }),
      readLimits: (pid) => readCgroupLimits(pid, proc),
    });
  }

  /** Take samples for the plots from now on; the timer keeps no process alive. */
  start(): void {
    this.look();
    if (this.period > 0) this.#timer = setInterval(() => this.#plot(), this.period).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#scanner.close();
  }

  /** What runs now: at most FRESH milliseconds old. */
  look(): Snapshot {
    const { proc = '/proc' } = this.#options;
    if (this.#snapshot && performance.now() - this.#scannedAt < FRESH) return this.#snapshot;
    const begin = performance.now();
    const { processes } = this.#scanner;
    const problem = this.#scan(proc);
    const end = performance.now();
    this.#window.update(processes.values(), end);
    this.#groups.update(processes.values());
    this.#scannedAt = end;
    this.#options.onScan?.({
      milliseconds: performance.now() - begin,
      vanished: this.#scanner.vanished - this.#vanished,
      problem,
    });
    this.#vanished = this.#scanner.vanished;
    return (this.#snapshot = {
      time: Date.now(),
      uptime: this.#uptime(),
      window: this.#window.length === undefined ? null : this.#window.length / 1000,
      load: readLoad(proc),
      machine: this.machine,
      processes,
      groups: this.#groups.all,
      omitted: this.#scanner.omitted,
      problem,
      tick: this.#tick,
    });
  }

  /** Look at all processes; returns why they cannot be seen, if so. */
  #scan(proc: string): string | undefined {
    try {
      this.#scanner.scan(this.#uptime());
      return this.#scanner.processes.has(1) ? undefined : HIDDEN;
    } catch (error) {
      return unreadable(proc, error);
    }
  }

  /** Finer than /proc/uptime, which counts hundredths. */
  #uptime(): number {
    const coarse = readUptime(this.#options.proc);
    const fine = performance.now() / 1000;
    if (!(Math.abs(coarse - fine - this.#offset) < LEAP)) this.#offset = coarse - fine;
    return this.#offset + fine;
  }

  #plot(): void {
    const { processes, groups } = this.look();
    const now = this.#scannedAt;
    const percent = (ticks: number, since: number): number =>
      (ticks / this.machine.ticksPerSecond / (now - since)) * 100_000;
    this.#tick++;
    for (const group of groups) {
      const ticks = group.userTicks + group.systemTicks;
      if (group.plotted.at > 0)
        group.history.add(
          this.#tick,
          percent(ticks - group.plotted.ticks, group.plotted.at),
          group.rssPages * this.machine.pageSize,
        );
      group.plotted.ticks = ticks;
      group.plotted.at = now;
    }
    for (const process of processes.values()) {
      const { plotted } = process;
      // Most processes do not live until their second sample, and need no history.
      if (plotted.at > 0) {
        process.history ??= new History(this.#samples);
        process.history.add(
          this.#tick,
          percent(process.ticks - plotted.ticks, plotted.at),
          process.rssPages * this.machine.pageSize,
        );
      }
      plotted.ticks = process.ticks;
      plotted.at = now;
    }
    this.#snapshot &&= { ...this.#snapshot, tick: this.#tick };
  }
}

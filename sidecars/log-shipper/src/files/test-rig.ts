/** For tests: the file input over a directory of its own, a clock that is moved by hand, and a store in memory. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { test } from 'uvu';
import type { ContainerFormat } from '../lines/container-line.ts';
import { ContainerSplitter } from '../lines/container-splitter.ts';
import { Documents } from '../lines/document.ts';
import { Rules } from '../lines/rules.ts';
import { Splitter } from '../lines/splitter.ts';
import type { LogRecord, Settled } from '../lines/record.ts';
import { Registry } from '../registry/registry.ts';
import type { FileEncoding } from './tracked/encoding.ts';
import { nameMatcher, parseGlob } from '../pipelines/glob.ts';
import { TrackedFile, type Loss } from './tracked/tracked-file.ts';
import { FileInput } from './input.ts';
import { FileTable } from './table/file-table.ts';
import { OpenFiles } from './table/open-files.ts';
import { Pipelines, type Pipeline } from './read/pipelines.ts';
import { Reader } from './read/reader.ts';
import { Records } from './read/records.ts';
import { Tracker } from './scan/tracker.ts';

export interface RigOptions {
  readonly pattern?: string;
  readonly limit?: number;
  readonly multiline?: RegExp;
  readonly maxOpen?: number;
  readonly partialTimeout?: number;
  readonly redact?: string;
  readonly dated?: string;
  readonly startAtEnd?: boolean;
  readonly ignoreOlder?: number;
  readonly format?: ContainerFormat;
  readonly encoding?: FileEncoding;
  readonly pipelines?: readonly Pipeline[];
}

const messageOf = ({ body }: LogRecord): string => (JSON.parse(body) as { message: string }).message;

const quiet = { info: () => {}, warn: () => {}, error: () => {} };

export class Rig {
  readonly #top = mkdtempSync(join(tmpdir(), 'files-'));
  readonly logs = join(this.#top, 'logs');
  readonly state = join(this.#top, 'state');
  #options: RigOptions;
  /** Every document that reached the store, by id, in the order of its first arrival. */
  readonly store = new Map<string, LogRecord>();
  /** How often an id arrived again. */
  again = 0;
  /** Offered and not settled. */
  waiting: LogRecord[] = [];
  /** What was counted as read. */
  readonly read = { records: 0, bytes: 0 };
  /** Bytes that were counted as lost, by all processes and by the last. */
  lost = 0;
  lostSinceKill = 0;
  /** Bytes that are gone, and that a process that was killed may have sent. */
  unconfirmed = 0;
  /** Lines that the store had, and a process that was killed had not heard that. */
  unheard: string[] = [];
  /** Called as the directory is about to be listed. */
  beforeScan = (): void => {};
  afterScan = (): void => {};
  /** Called as a file is about to be opened, or asked what it is like: others act then, too. Told which, where a path is known. */
  beforeLook = (_path?: string): void => {};
  /** Set, the store is down and the queue is full: nothing more is taken. */
  full: Promise<void> | undefined;
  /** Where events end cannot be written down. */
  diskFull = false;
  /** How often that was tried. */
  notes = 0;
  now = 1000;
  /** What the time is by the clock that files are dated with, in milliseconds since the epoch. */
  wallClock = (): number => Date.now();
  input!: FileInput;
  table!: FileTable;
  tracker!: Tracker;
  files!: OpenFiles;
  registry!: Registry;

  get multiline(): boolean {
    return this.#options.multiline !== undefined;
  }

  constructor(options: RigOptions = {}) {
    this.#options = options;
    this.start();
  }

  /**
   * As after a `kill -9`: what was offered and not settled is gone, the disk is as it is.
   * @param change what is configured otherwise from then on
   */
  restart(change: RigOptions = {}): void {
    this.#options = { ...this.#options, ...change };
    this.#closeAll();
    const unheard = this.waiting.flatMap(({ id }) => this.store.get(id) ?? []);
    this.unheard.push(...unheard.flatMap((record) => messageOf(record).split('\n')));
    this.lostSinceKill = 0;
    this.waiting = [];
    this.start();
  }

  start(): void {
    const {
      pattern = '*.log*',
      limit = 64 * 1024,
      multiline,
      maxOpen = 64,
      partialTimeout = 60_000,
      dated,
      encoding = 'auto',
    } = this.#options;
    const glob = parseGlob(join(this.logs, pattern));
    this.files = new OpenFiles(maxOpen, [glob.root]);
    for (const name of ['look', 'stat', 'hold'] as const) {
      const call = this.files[name].bind(this.files) as (argument: unknown) => never;
      this.files[name] = (argument: unknown) => {
        this.beforeLook(argument instanceof TrackedFile ? argument.path : String(argument));
        return call(argument);
      };
    }
    this.registry = new Registry(this.state);
    this.table = new FileTable({ files: this.files, registry: this.registry, log: quiet, encoding }, this.now);
    this.tracker = new Tracker({
      globs: [glob],
      exclude: ['*.gz', '*.zst'].map(nameMatcher),
      files: this.files,
      table: this.table,
      dir: this.state,
      scannedAt: this.registry.scannedAt,
      isFirst: this.registry.isNew,
      wallClock: () => this.wallClock(),
      startAtEnd: (this.#options.startAtEnd ?? false) && this.registry.isNew,
      ignoreOlder: this.#options.ignoreOlder ?? 0,
      log: quiet,
      lost: (_tracked, loss) => this.#lose(loss),
    });
    const scan = this.tracker.scan.bind(this.tracker);
    this.tracker.scan = (now) => {
      this.beforeScan();
      scan(now);
      this.afterScan();
    };
    this.table.save();
    const rules = new Rules({ LINE_DROP: undefined, LINE_REDACT: this.#options.redact, LINE_REDACT_WITH: '***' });
    const records = new Records({
      index: dated,
      documents: new Documents({ rules, limit, ours: [] }),
      splitter:
        this.#options.format === undefined
          ? new Splitter(multiline)
          : new ContainerSplitter(this.#options.format, multiline),
      limit,
      members: '',
      skipped: () => {},
      cut: () => {},
    });
    const reader = new Reader({
      pipelines: new Pipelines(this.#options.pipelines ?? [], records),
      encoding,
      noteEnd: (trackedFiles) => {
        this.notes += 1;
        if (this.diskFull) return false;
        this.registry.acknowledge(trackedFiles);
        return true;
      },
      remember: (tracked) => this.table.remember(tracked),
      now: () => this.now,
      limit,
      skipped: () => {},
    });
    this.input = new FileInput({
      table: this.table,
      tracker: this.tracker,
      reader,
      files: this.files,
      delivery: {
        offer: async (records) => {
          await this.full;
          this.waiting.push(...records);
        },
      },
      pollInterval: 100,
      scanInterval: 1000,
      partialTimeout,
      multilineTimeout: 2000,
      linger: 5000,
      deletedTimeout: 60_000,
      onRead: (records, bytes) => {
        this.read.records += records;
        this.read.bytes += bytes;
      },
      onScan: () => {},
      onLost: (_tracked, loss) => this.#lose(loss),
      now: () => this.now,
    });
  }

  #lose({ bytes, unconfirmed }: Loss): void {
    this.lost += bytes - unconfirmed;
    this.lostSinceKill += bytes - unconfirmed;
    this.unconfirmed += unconfirmed;
  }

  /** A scan, and everything read that is due. */
  async look(): Promise<void> {
    this.input.scan();
    await this.input.step();
  }

  /**
   * The store takes records in, and says so.
   * @param acknowledged how many of them the shipper still hears of
   */
  deliver(count = this.waiting.length, acknowledged = count): void {
    for (const record of this.waiting.slice(0, count)) {
      if (this.store.has(record.id)) this.again += 1;
      else this.store.set(record.id, record);
    }
    const settled = this.waiting.splice(0, acknowledged).map((record): Settled => ({ record, outcome: 'stored' }));
    if (settled.length > 0) this.registry.acknowledge(this.input.settled(settled));
  }

  /** Until nothing more comes: time passes, everything is read and delivered. */
  async finish(): Promise<void> {
    for (let round = 0; round < 12; round++) {
      await this.look();
      this.deliver();
      this.now += 10_000;
    }
  }

  /** What the store holds, in the order of arrival. */
  get messages(): string[] {
    return [...this.store.values()].map(messageOf);
  }

  remove(): void {
    this.#closeAll();
    rmSync(this.#top, { recursive: true });
  }

  /** What a process leaves open, the system closes. */
  #closeAll(): void {
    this.files.releaseAll();
    for (const { packed } of this.table.trackedFiles) packed?.close();
    this.registry.close();
  }
}

/** A test with a rig of its own; `path` is where a log of a name is. */
export function scene(
  name: string,
  run: (rig: Rig, path: (name: string) => string) => Promise<void>,
  options: RigOptions = {},
): void {
  test(name, async () => {
    const rig = new Rig(options);
    mkdirSync(rig.logs, { recursive: true });
    try {
      await run(rig, (each) => join(rig.logs, each));
    } finally {
      rig.remove();
    }
  });
}

/** Do something when the directory was listed, and a file is about to be looked at: the first, or the one that is named. */
export function onceListed(rig: Rig, act: () => void, wanted?: string): void {
  rig.beforeLook = (path) => {
    if (wanted !== undefined && path !== wanted) return;
    rig.beforeLook = () => {};
    act();
  };
}

/** As gzip does. */
export function compress(path: string, packed: string): void {
  writeFileSync(packed, gzipSync(readFileSync(path)));
  unlinkSync(path);
}

/** Do something while a file cannot be read, as a user who is not root where need be: root reads everything. */
export async function asNobody(rig: Rig, path: string, act: () => Promise<void>): Promise<void> {
  const root = process.geteuid?.() === 0;
  if (root) execFileSync('chmod', ['-R', 'a+rwX', join(rig.logs, '..')]);
  chmodSync(path, 0);
  if (root) process.seteuid!(65_534);
  try {
    await act();
  } finally {
    if (root) process.seteuid!(0);
  }
}

/** How many files are open under a path. */
export function openFiles(path: string): number {
  const links = readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return [];
    }
  });
  return links.filter((link) => link.includes(path)).length;
}

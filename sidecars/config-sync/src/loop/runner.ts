/**
 * The loop over all files, one step at a time: files of one pod mostly belong to one application, and
 * two changes under way at once could be blamed for each other.
 *
 * Versions are read when there is time for them, so those that come while another one is on its way
 * are coalesced, and the latest wins.
 */
import { Backoff, pause } from '#kit/time/backoff.ts';
import type { Logger } from '#kit/telemetry/log.ts';
import { same, type Identity } from '../documents/document.ts';
import type { Refusal } from '../apply/store.ts';
import type { ManagedFile, Outcome } from '../apply/managed-file.ts';
import { StorageError } from '../apply/target.ts';
import { SourceError, type Reading } from '../sources/source.ts';

export interface RunnerOptions {
  readonly files: readonly ManagedFile[];
  /** Read a document; throws {SourceError}. */
  readonly read: (key: string) => Promise<Reading>;
  /** Largest document, in bytes, for messages. */
  readonly maxSize: number;
  /** Between two cycles of a file while versions come in a burst, in milliseconds. */
  readonly minInterval: number;
  /** Longest pause after a failure, in milliseconds. */
  readonly retryMax: number;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
  readonly events: RunnerEvents;
  readonly signal: AbortSignal;
}

export interface RunnerEvents {
  readonly seen: (path: string) => void;
  readonly ended: (path: string, outcome: Outcome, seconds: number) => void;
  readonly superseded: (path: string, count: number) => void;
  readonly storageFailed: (code: string) => void;
  /** After each step. */
  readonly stepped: () => void;
}

/** A file and what is to be done for it. */
interface Entry {
  readonly file: ManagedFile;
  readonly failures: Backoff;
  readonly ticks: Backoff;
  prepared: boolean;
  /** There is something new. */
  wanted: boolean;
  /** It is at hand already. */
  reading: Reading | undefined;
  /** The file on disk is to be looked at. */
  suspect: boolean;
  /** Changes that came since the last cycle began. */
  arrivals: number;
  /** On the monotonic clock, in milliseconds. */
  notBefore: number;
  tickAt: number;
  /** What failed just now. */
  problem: string | undefined;
  /** What the source had when it was last read. */
  latest: Identity | undefined;
  absent: boolean;
}

/** What a file's state looks like from outside. */
export interface FileStatus {
  readonly key: string;
  readonly path: string;
  /** The latest version that the source is known to have. */
  readonly source: Identity | null;
  /** The version that the application was seen with. */
  readonly verified: Identity | null;
  /** A version in place that was not verified yet. */
  readonly unverified: Identity | null;
  readonly refused: (Identity & { readonly state: string; readonly reason: string; readonly at: string }) | null;
  readonly in_sync: boolean;
  readonly problem: string | null;
}

const RETRY_INITIAL = 100;
const TICK_MAX = 1000;
/** Changes in a cycle that make a burst. */
const BURST = 2;

export class Runner {
  readonly #options: RunnerOptions;
  readonly #entries: readonly Entry[];
  #wake: () => void = () => {};

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.#entries = options.files.map((file) => ({
      file,
      failures: new Backoff({ initial: RETRY_INITIAL, max: options.retryMax }),
      ticks: new Backoff({ initial: RETRY_INITIAL, max: TICK_MAX }),
      prepared: false,
      wanted: false,
      reading: undefined,
      suspect: false,
      arrivals: 0,
      notBefore: 0,
      tickAt: 0,
      problem: undefined,
      latest: undefined,
      absent: false,
    }));
  }

  /** The source has something new of a document. */
  told(key: string): void {
    this.#arrived(key, undefined);
  }

  /** The source has this. */
  found(key: string, reading: Reading): void {
    this.#arrived(key, reading);
  }

  /** The source has nothing new: time to look at what is on disk. */
  unchanged(key: string): void {
    for (const entry of this.#of(key)) entry.suspect = true;
    this.#wake();
  }

  /** Work until the signal aborts; never throws. */
  async run(): Promise<void> {
    const { signal } = this.#options;
    while (!signal.aborted) {
      const now = performance.now();
      const [next] = this.#entries.map((entry) => ({ entry, at: dueAt(entry) })).toSorted((a, b) => a.at - b.at);
      if (!next || next.at > now) await this.#sleep(next?.at === undefined ? Infinity : next.at - now);
      else {
        await this.#step(next.entry);
        this.#options.events.stepped();
      }
    }
  }

  /** What keeps files from being what the source has; undefined when all is well. */
  get problem(): string | undefined {
    for (const entry of this.#entries) {
      const problem = problemOf(entry);
      if (problem !== undefined) return `${entry.file.plan.path}: ${problem}`;
    }
    return undefined;
  }

  /** True when every application could start. */
  get inPlace(): boolean {
    return this.#entries.every(({ prepared, file }) => prepared && file.inPlace);
  }

  status(): FileStatus[] {
    return this.#entries.map((entry) => {
      const { file, latest } = entry;
      const { good, candidate, refused } = file.journal;
      return {
        key: file.plan.key,
        path: file.plan.path,
        source: latest ? bare(latest) : null,
        verified: good ? bare(good) : null,
        unverified: candidate ? bare(candidate) : null,
        refused: refused ? { ...bare(refused), ...pick(refused) } : null,
        in_sync: same(latest, good) && problemOf(entry) === undefined,
        problem: problemOf(entry) ?? null,
      };
    });
  }

  #of(key: string): readonly Entry[] {
    return this.#entries.filter(({ file }) => file.plan.key === key);
  }

  #arrived(key: string, reading: Reading | undefined): void {
    for (const entry of this.#of(key)) {
      entry.wanted = true;
      entry.reading = reading;
      entry.arrivals += 1;
      this.#options.events.seen(entry.file.plan.path);
    }
    this.#wake();
  }

  async #step(entry: Entry): Promise<void> {
    const { log, events, signal } = this.#options;
    try {
      if (!entry.prepared) {
        await entry.file.prepare();
        entry.prepared = true;
      } else if (entry.wanted && performance.now() >= entry.notBefore) await this.#cycle(entry);
      else if (entry.suspect) {
        entry.suspect = false;
        this.#after(entry, await entry.file.check());
      } else await this.#settle(entry);
      entry.failures.reset();
      if (entry.problem !== undefined) log.info({ file: entry.file.plan.path }, 'well again');
      entry.problem = undefined;
    } catch (error) {
      if (signal.aborted) return;
      const wait = entry.failures.next();
      entry.notBefore = entry.tickAt = performance.now() + wait;
      if (error instanceof StorageError) {
        events.storageFailed(error.code);
        if (entry.problem !== error.message)
          log.error({ file: entry.file.plan.path, reason: error.code }, error.message);
        entry.problem = error.message;
      } else if (!(error instanceof SourceError)) {
        // A mistake of ours must not end the sidecar: each start would only make it again.
        const problem = `internal error: ${String(error)}`;
        if (entry.problem !== problem) log.error({ file: entry.file.plan.path, err: error }, problem);
        entry.problem = problem;
      }
    }
  }

  async #cycle(entry: Entry): Promise<void> {
    const { events, minInterval, maxSize, read } = this.#options;
    const { file } = entry;
    const { key, path } = file.plan;
    const started = performance.now();
    const burst = entry.arrivals >= BURST;
    if (entry.arrivals > 1) events.superseded(path, entry.arrivals - 1);
    let reading = entry.reading;
    Object.assign(entry, { wanted: false, reading: undefined, arrivals: 0 });
    try {
      reading ??= await read(key);
      const outcome = await this.#take(entry, reading, maxSize);
      entry.notBefore = burst ? started + minInterval : 0;
      this.#after(entry, outcome);
      events.ended(path, outcome, (performance.now() - started) / 1000);
    } catch (error) {
      // Once more, unless there is something newer by now.
      if (!entry.wanted) Object.assign(entry, { wanted: true, reading });
      throw error;
    }
  }

  async #take(entry: Entry, reading: Reading, maxSize: number): Promise<Outcome> {
    const { file } = entry;
    const was = entry.absent;
    entry.absent = reading.kind === 'absent';
    switch (reading.kind) {
      case 'document':
        entry.latest = bare(reading.document);
        return await file.apply(reading.document);
      case 'too-large':
        entry.latest = reading.id;
        return await file.refuse(
          reading.id,
          `it has ${reading.bytes ?? 'too many'} bytes; at most ${maxSize} are taken`,
        );
      case 'unusable':
        entry.latest = reading.id;
        return await file.refuse(reading.id, reading.reason);
      case 'absent':
        entry.latest = undefined;
        if (!was)
          this.#options.log.warn({ file: file.plan.path, key: file.plan.key }, 'the source has no such document');
        return 'unchanged';
      case 'unchanged':
        return 'unchanged';
    }
  }

  async #settle(entry: Entry): Promise<void> {
    const started = performance.now();
    const outcome = await entry.file.settle();
    this.#after(entry, outcome);
    this.#options.events.ended(entry.file.plan.path, outcome, (performance.now() - started) / 1000);
  }

  #after(entry: Entry, outcome: Outcome): void {
    if (outcome === 'again') {
      entry.wanted = true;
      entry.reading = undefined;
    }
    if (outcome === 'waiting') entry.tickAt = performance.now() + entry.ticks.next();
    else {
      entry.ticks.reset();
      entry.tickAt = 0;
    }
  }

  async #sleep(ms: number): Promise<void> {
    const { signal } = this.#options;
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    const ending = AbortSignal.any([signal, woken.signal]);
    // A timer cannot be longer than this, nor need it be.
    await pause(Math.min(ms, 60_000), ending).catch(() => {});
    this.#wake = () => {};
  }
}

/** When there is something to do for a file, on the monotonic clock. */
function dueAt(entry: Entry): number {
  if (!entry.prepared) return entry.notBefore;
  return Math.min(
    entry.wanted ? entry.notBefore : Infinity,
    entry.suspect ? Math.min(entry.tickAt, entry.notBefore) : Infinity,
    entry.file.unsettled ? entry.tickAt : Infinity,
  );
}

function problemOf({ problem, file, prepared, absent }: Entry): string | undefined {
  if (problem !== undefined) return problem;
  if (!prepared) return 'not looked at yet';
  const { trouble } = file;
  return trouble !== undefined && absent && !file.inPlace ? `the source has no document ${file.plan.key}` : trouble;
}

const pick = ({ state, reason, at }: Refusal): Pick<Refusal, 'state' | 'reason' | 'at'> => ({ state, reason, at });
const bare = ({ version, digest }: Identity): Identity => ({ version, digest });

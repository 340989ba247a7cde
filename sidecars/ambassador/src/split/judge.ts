/**
 * How large the new version's share may be. It loses all of it when it errs more than the old one by
 * more than chance, and gets it back in steps while it does not.
 */
import { chanceOf, type Counts } from './significance.ts';
import { Window } from './window.ts';

export type Version = 'old' | 'new';

/** Only the last milliseconds count. */
const WINDOW = 30_000;
/** Fewer errors say nothing. */
const LEAST_ERRORS = 5;
/** More probable by chance than this, and it may have been chance. It is looked at again and again: hence so small. */
const CHANCE = 1e-6;
/** Before the old version has answered so often, it counts as if it had, without an error. */
const PRESUMED = 20;
/** Parts of its share that the new version has, step by step. */
const STEPS = [0, 0.1, 0.25, 0.5, 1] as const;
const WHOLE = STEPS.length - 1;
/** A step is over only when the new version has answered so often since it began. */
const LEAST_ANSWERS = 5;
/** The time without requests is doubled at most so often. */
const MAX_DOUBLINGS = 5;
/** Multiple of SPLIT_RETURN with its whole share after which an earlier relapse is forgotten. */
const FORGIVEN = 10;

/** A request that a version was asked, and not judged yet. */
export interface Trial {
  readonly version: Version;
  readonly startedAt: number;
}

/** A change of the share, and the reason. */
export interface Change {
  readonly state: 'backed-off' | 'returning' | 'whole';
  /** Percent. */
  readonly share: number;
  readonly reason?: 'errors' | 'late';
  readonly new: Counts;
  readonly old: Counts;
  /** How probable the difference would be by chance. */
  readonly chance?: number;
  /** From the beginning of the first request that went wrong, in milliseconds. */
  readonly after?: number;
  /** How long the new version gets nothing, in milliseconds. */
  readonly pause?: number;
}

export interface JudgeOptions {
  /** The whole share, in percent. */
  readonly percent: number;
  /** An answer that takes longer to begin is an error, in milliseconds. */
  readonly timeout: number;
  /** Percentage points. */
  readonly tolerance: number;
  /** SPLIT_RETURN, in milliseconds. */
  readonly pause: number;
  /** A monotonic clock in milliseconds. */
  readonly now: () => number;
  readonly onJudged: (version: Version, failed: boolean) => void;
  readonly onChange: (change: Change) => void;
}

export class Judge {
  readonly #options: JudgeOptions;
  readonly #windows = { old: new Window(WINDOW), new: new Window(WINDOW) };
  /** In the order in which they began. */
  readonly #trials = new Set<Trial>();
  #step: number = WHOLE;
  #since: number;
  #relapses = 0;
  /** Answers of the new version since the step began. */
  #answers = 0;
  #late = 0;
  #firstErrorAt = Infinity;

  constructor(options: JudgeOptions) {
    this.#options = options;
    this.#since = options.now();
  }

  /** The new version's share at the moment, in percent. */
  get share(): number {
    return this.#options.percent * STEPS[this.#step]!;
  }

  /** Trials that are under way. */
  get open(): number {
    return this.#trials.size;
  }

  /** A version is asked. */
  begin(version: Version): Trial {
    const trial = { version, startedAt: this.#options.now() };
    this.#trials.add(trial);
    return trial;
  }

  /** What came of it. @param failed the answer was an error, or there was none */
  end(trial: Trial, failed: boolean): void {
    // Judged already, as late.
    if (!this.#trials.delete(trial)) return;
    this.#count(trial, failed, false);
    if (failed && trial.version === 'new') this.#judge();
  }

  /** Nothing came of it that says anything. */
  drop(trial: Trial): void {
    this.#trials.delete(trial);
  }

  /** Look at the time: to be called some times a second. */
  look(): void {
    const { now, timeout, pause } = this.#options;
    const time = now();
    for (const trial of this.#trials) {
      if (time - trial.startedAt < timeout) break;
      this.#trials.delete(trial);
      this.#count(trial, true, true);
    }
    if (this.#judge()) return;
    const waited = time - this.#since;
    if (this.#step === WHOLE) {
      if (waited >= FORGIVEN * pause) this.#relapses = 0;
    } else if (this.#step === 0) {
      if (waited >= this.#pause()) this.#go(1);
    } else if (waited >= pause && this.#answers >= LEAST_ANSWERS && !this.#suspect()) this.#go(this.#step + 1);
  }

  #pause(): number {
    return this.#options.pause * 2 ** Math.min(this.#relapses - 1, MAX_DOUBLINGS);
  }

  #count({ version, startedAt }: Trial, failed: boolean, late: boolean): void {
    const { now, onJudged } = this.#options;
    // It was asked before the last change: its answer says nothing of the time since.
    if (startedAt < this.#since) return;
    onJudged(version, failed);
    this.#windows[version].add(now(), failed);
    if (version === 'old') return;
    this.#answers++;
    if (!failed) return;
    if (late) this.#late++;
    this.#firstErrorAt = Math.min(this.#firstErrorAt, startedAt);
  }

  /** @returns whether the new version was backed off */
  #judge(): boolean {
    const time = this.#options.now();
    const { old: before, new: tried } = this.#windows;
    before.advance(time);
    tried.advance(time);
    if (tried.errors === 0) {
      this.#firstErrorAt = Infinity;
      this.#late = 0;
    }
    if (this.#step === 0 || tried.errors < LEAST_ERRORS || this.#excess() < this.#options.tolerance) return false;
    const presumed = { answers: Math.max(before.answers, PRESUMED), errors: before.errors };
    const chance = chanceOf(tried, presumed);
    if (chance > CHANCE) return false;
    const change = { reason: this.#late * 2 > tried.errors ? ('late' as const) : ('errors' as const), chance };
    this.#relapses++;
    this.#go(0, { ...change, after: Math.round(time - this.#firstErrorAt), pause: this.#pause() });
    return true;
  }

  /** Error rate of the new version minus that of the old one, in percentage points. */
  #excess(): number {
    const { old: before, new: tried } = this.#windows;
    return 100 * (rate(tried) - rate(before));
  }

  /** Not bad enough to be backed off, not good enough to get more. */
  #suspect(): boolean {
    return this.#windows.new.errors > 0 && this.#excess() > this.#options.tolerance / 2;
  }

  #go(step: number, why: Partial<Change> = {}): void {
    const { old: before, new: tried } = this.#windows;
    const counts = { new: countsOf(tried), old: countsOf(before) };
    this.#step = step;
    this.#since = this.#options.now();
    this.#answers = 0;
    this.#late = 0;
    this.#firstErrorAt = Infinity;
    before.clear();
    tried.clear();
    const state = step === 0 ? 'backed-off' : step === WHOLE ? 'whole' : 'returning';
    this.#options.onChange({ state, share: this.share, ...why, ...counts });
  }
}

const rate = ({ answers, errors }: Counts): number => (answers === 0 ? 0 : errors / answers);
const countsOf = ({ answers, errors }: Counts): Counts => ({ answers, errors });

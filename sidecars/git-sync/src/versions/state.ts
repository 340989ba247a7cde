/** What must not be forgotten when the sidecar dies: the answers of gate and application, and who was told. */
import { setAsideDirectory } from '#kit/files/set-aside.ts';
import { isHash } from '../repository/refs.ts';
import { readJson, writeJsonLasting } from './json-file.ts';

/** What found a commit bad: an operator by a rollback. */
export type RefusedBy = 'gate' | 'verification' | 'operator';

/** A commit that is not published, for as long as the ref is at it. */
export interface Refusal {
  readonly hash: string;
  readonly by: RefusedBy;
  readonly reason: string;
  /** What refused it: another gate may think otherwise. */
  readonly rule: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** The publication that the application has to be told of. */
export interface Publication {
  readonly hash: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly boot: string;
  /** Clock ticks since boot, as processes' start times are counted. */
  readonly ticks: number;
}

export interface State {
  /** The address that the local copy was fetched from. */
  readonly repository?: string;
  /** Where the live version was last published. */
  readonly link?: string;
  readonly published?: Publication;
  readonly previous?: string;
  /** The last version with which the application was seen healthy. */
  readonly verified?: string;
  readonly refused?: Refusal;
  /** The last publication (its time) that each channel has passed on. */
  readonly notified: Readonly<Record<string, number>>;
  /** When versions stopped being live, in milliseconds since the epoch. */
  readonly retired: Readonly<Record<string, number>>;
}

const EMPTY: State = { notified: {}, retired: {} };

/** The state, in memory and on disk at once. */
export class StateFile {
  readonly #path: string;
  #state: State;
  /** True when there was a file that could not be read. */
  readonly damaged: boolean;

  constructor(path: string, exists: boolean) {
    this.#path = path;
    const found = validState(readOrNothing(path));
    this.#state = found ?? EMPTY;
    this.damaged = exists && found === undefined;
    if (this.damaged) setAsideDirectory(path);
  }

  get(): State {
    return this.#state;
  }

  /** Change it, here and on disk. */
  set(change: { readonly [Name in keyof State]?: State[Name] | undefined }): void {
    const next = Object.fromEntries(
      Object.entries({ ...this.#state, ...change }).filter(([, value]) => value !== undefined),
    ) as unknown as State;
    if (JSON.stringify(next) === JSON.stringify(this.#state)) return;
    // No version's mark tells that this is lost: an operator's rollback would be forgotten.
    writeJsonLasting(this.#path, next);
    this.#state = next;
  }
}

/** A start goes on without a state that a disk cannot read any more. */
function readOrNothing(path: string): unknown {
  try {
    return readJson(path);
  } catch {
    return undefined;
  }
}

/** The file is ours, but a disk may have made something else of it. */
function validState(found: unknown): State | undefined {
  if (typeof found !== 'object' || found === null) return undefined;
  const state = found as State;
  const numbers = (value: unknown): boolean =>
    typeof value === 'object' && value !== null && Object.values(value).every((each) => typeof each === 'number');
  const hash = (value: unknown): boolean => value === undefined || (typeof value === 'string' && isHash(value));
  const sound =
    numbers(state.notified) &&
    numbers(state.retired) &&
    (state.link === undefined || typeof state.link === 'string') &&
    hash(state.previous) &&
    hash(state.verified) &&
    (state.published === undefined || hash(state.published.hash)) &&
    (state.refused === undefined || hash(state.refused.hash));
  return sound ? state : undefined;
}

/**
 * Where a tracked file's content is, as far as is known, and all that changes it. The README says what the states mean
 * ("What a file is"); its table of transitions is the one below.
 */
import type { Unpacked } from './unpacked.ts';

/** A content that is looked for. */
interface Search {
  /** Since when no path leads to its file, in milliseconds; undefined while one does. */
  readonly since: number | undefined;
  /** Since when it is looked for. */
  readonly lookedForSince: number | undefined;
  /** It was looked for everywhere, and not found. */
  readonly sought: boolean;
}

/** @typeParam Of tracked files */
export type State<Of> =
  | { readonly is: 'attached' }
  | ({ readonly is: 'detached' } & Search)
  | ({ readonly is: 'displaced' } & Search)
  | { readonly is: 'packed'; readonly content: Unpacked; readonly since: number }
  | {
      readonly is: 'copied';
      readonly of: Of;
      /** A copy by a name that may be a file's own is taken for one until then. */
      readonly suspectUntil: number | undefined;
      readonly since: number | undefined;
    }
  | { readonly is: 'finished'; readonly since: number | undefined };

type Name = State<unknown>['is'];
export type Transition = 'found' | 'missed' | 'displaced' | 'unpacked' | 'copied' | 'released' | 'finished';

/** Where each leads; by one that is not named, a state stays as it is. */
export const TRANSITIONS: Readonly<Record<Name, Readonly<Partial<Record<Transition, Name>>>>> = {
  attached: { found: 'attached', missed: 'detached', displaced: 'displaced', copied: 'copied', finished: 'finished' },
  detached: { found: 'attached', missed: 'detached', displaced: 'displaced', copied: 'copied', finished: 'finished' },
  displaced: {
    found: 'attached',
    missed: 'displaced',
    displaced: 'displaced',
    unpacked: 'packed',
    finished: 'finished',
  },
  packed: { found: 'attached', displaced: 'displaced', finished: 'finished' },
  copied: { found: 'copied', missed: 'copied', released: 'attached', finished: 'finished' },
  finished: { missed: 'finished' },
};

interface Stateful<Of> {
  state: State<Of>;
}

export const ATTACHED = { is: 'attached' } as const;

const since = ({ state }: Stateful<unknown>): number | undefined => (state.is === 'attached' ? undefined : state.since);

/** Change a state, where that leads anywhere. */
function change<Of>(of: Stateful<Of>, by: Transition, next: () => State<Of>): void {
  if (TRANSITIONS[of.state.is][by] !== undefined) of.state = next();
}

/** Whether its content is looked for. */
export const isSearched = <Of>(state: State<Of>): state is Extract<State<Of>, Search> =>
  state.is === 'detached' || state.is === 'displaced';

/** A path leads to its file, or to another one that has its content. */
export function found<Of>(of: Stateful<Of>): void {
  const { state } = of;
  change(of, 'found', () => (state.is === 'copied' ? { ...state, since: undefined } : ATTACHED));
}

/** No path leads to its file. @param now in milliseconds */
export function missed<Of>(of: Stateful<Of>, now: number): void {
  const { state } = of;
  change(of, 'missed', () => {
    if (state.is === 'attached') return { is: 'detached', since: now, lookedForSince: undefined, sought: false };
    return { ...state, since: state.since ?? now };
  });
}

/** Its file, plain or compressed, does not hold it. */
export function displaced<Of>(of: Stateful<Of>): void {
  const search = isSearched(of.state) ? of.state : undefined;
  const { lookedForSince, sought = false } = search ?? {};
  change(of, 'displaced', () => ({ is: 'displaced', since: since(of), lookedForSince, sought }));
}

/** It is looked for. @returns since when */
export function lookedFor<Of>(of: Stateful<Of>, now: number): number {
  const { state } = of;
  if (!isSearched(state)) return now;
  const { lookedForSince = now } = state;
  of.state = { ...state, lookedForSince };
  return lookedForSince;
}

/** It was looked for everywhere; or, not `sought`, has to be again. */
export function setSought<Of>(of: Stateful<Of>, sought: boolean): void {
  if (isSearched(of.state)) of.state = { ...of.state, sought };
}

/** A compressed file may have it. */
export function unpacked<Of>(of: Stateful<Of>, content: Unpacked, now: number): void {
  change(of, 'unpacked', () => ({ is: 'packed', content, since: now }));
}

/** It is a copy of another one. */
export function copied<Of>(of: Stateful<Of>, original: Of): void {
  change(of, 'copied', () => ({ is: 'copied', of: original, suspectUntil: undefined, since: since(of) }));
}

/** By its name it may be a file of its own. @returns until when it is taken for a copy */
export function suspected<Of>(of: Stateful<Of>, until: number): number {
  if (of.state.is !== 'copied') return until;
  const { suspectUntil = until } = of.state;
  of.state = { ...of.state, suspectUntil };
  return suspectUntil;
}

/** It is no copy any longer: what is written to it from now on is its own. */
export function released<Of>(of: Stateful<Of>): void {
  change(of, 'released', () => ATTACHED);
}

/** Nothing more is read of it. */
export function finished<Of>(of: Stateful<Of>): void {
  change(of, 'finished', () => ({ is: 'finished', since: since(of) }));
}

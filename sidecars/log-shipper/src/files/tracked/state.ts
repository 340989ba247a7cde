/**
 * Where a generation's content is, as far as is known, and all that changes it.
 *
 *   attached   a path leads to its file
 *   detached   no path leads to its file, which may still be open; its content is looked for
 *   displaced  its file has another content by now; its own is looked for, in copies and compressed files
 *   packed     a compressed file has it
 *   copied     the file is a copy of another generation's, and is not read while that one is
 *   finished   nothing more is read of it
 *
 *   from \ by   found      missed     displaced  unpacked   copied     released   finished
 *   attached    attached   detached   displaced  packed     copied                finished
 *   detached    attached   detached   displaced  packed                           finished
 *   displaced   attached   displaced  displaced  packed                           finished
 *   packed      attached              displaced  packed                           finished
 *   copied      copied     copied     copied                           attached   finished
 *   finished               finished
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

/** @typeParam Of generations */
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

interface Stateful<Of> {
  state: State<Of>;
}

export const ATTACHED = { is: 'attached' } as const;

const since = ({ state }: Stateful<unknown>): number | undefined => (state.is === 'attached' ? undefined : state.since);

/** Whether its content is looked for. */
export const isSearched = <Of>(state: State<Of>): state is Extract<State<Of>, Search> =>
  state.is === 'detached' || state.is === 'displaced';

/** A path leads to its file, or to another one that has its content. */
export function found<Of>(of: Stateful<Of>): void {
  of.state = of.state.is === 'copied' ? { ...of.state, since: undefined } : ATTACHED;
}

/** No path leads to its file. @param now in milliseconds */
export function missed<Of>(of: Stateful<Of>, now: number): void {
  const { state } = of;
  if (state.is === 'attached') of.state = { is: 'detached', since: now, lookedForSince: undefined, sought: false };
  else if (state.since === undefined) of.state = { ...state, since: now };
}

/** Its file, plain or compressed, does not hold it. */
export function displaced<Of>(of: Stateful<Of>): void {
  const { state } = of;
  if (state.is === 'copied') return;
  const search = isSearched(state) ? state : undefined;
  of.state = {
    is: 'displaced',
    since: since(of),
    lookedForSince: search?.lookedForSince,
    sought: search?.sought ?? false,
  };
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
  of.state = { is: 'packed', content, since: now };
}

/** It is a copy of another one. */
export function copied<Of>(of: Stateful<Of>, original: Of): void {
  of.state = { is: 'copied', of: original, suspectUntil: undefined, since: since(of) };
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
  of.state = ATTACHED;
}

/** Nothing more is read of it. */
export function finished<Of>(of: Stateful<Of>): void {
  of.state = { is: 'finished', since: since(of) };
}

/**
 * The end of what a push began, told to the pusher: a client that sends `Prefer: wait=SECONDS` (RFC 7240)
 * gets one JSON object a line, until it is known what became of the commit or the time is over.
 */
import type { ServerResponse } from 'node:http';
import type { Progress, ProgressEvent } from './progress.ts';

/** As many wait at the same time; who comes later is answered at once. */
const WAITING = 32;
/** The longest wait that is granted, in seconds. */
export const LONGEST_WAIT = 600;
/** A reader that is this far behind, in bytes, gets no more of the gate's output. */
const BEHIND = 262_144;

/** What is told beside the events of a sync. */
type Told =
  | Exclude<ProgressEvent, { event: 'located' }>
  /** It was taken on. */
  | { readonly event: 'accepted' }
  /** The ref is at another commit by now. */
  | { readonly event: 'superseded'; readonly by: string }
  /** Nothing is known yet, and the time is over. */
  | { readonly event: 'pending' };

/**
 * Seconds that a `Prefer` header asks to wait.
 * @returns undefined when it does not ask for it
 */
export function waitOf(prefer: string | string[] | undefined): number | undefined {
  const [, digits] = /(?:^|[,;]\s*)wait\s*=\s*"?(\d{1,6})"?\s*(?:[,;]|$)/i.exec([prefer ?? ''].flat().join(',')) ?? [];
  return digits === undefined || Number(digits) === 0 ? undefined : Math.min(Number(digits), LONGEST_WAIT);
}

/** What a push says of itself. */
export interface Pushed {
  readonly ref: string;
  /** The object that the ref is at now; of an annotated tag it is not a commit. */
  readonly after: string;
}

export class Followers {
  readonly #progress: Progress;
  readonly #responses = new Set<ServerResponse>();

  constructor(progress: Progress) {
    this.#progress = progress;
  }

  /** True when one more can be told. */
  get hasRoom(): boolean {
    return this.#responses.size < WAITING;
  }

  /**
   * Tell what becomes of a push. To be called before the sync that it begins.
   * @param seconds how long at most
   */
  tell(response: ServerResponse, { ref, after }: Pushed, seconds: number): void {
    const progress = this.#progress;
    const before = progress.sync;
    let hash: string | undefined;
    let live = false;
    this.#responses.add(response);
    response.writeHead(200, { 'content-type': 'application/x-ndjson', 'preference-applied': `wait=${seconds}` });
    const write = (told: Told): void => void response.write(`${JSON.stringify(told)}\n`);
    const end = (last?: Told): void => {
      unfollow();
      clearTimeout(timer);
      this.#responses.delete(response);
      if (last) write(last);
      response.end();
    };
    const onEvent = (event: ProgressEvent): void => {
      if (event.event === 'failed') return write(event);
      if (event.event === 'located') {
        // A sync that ran already may have seen the ref before the push, or after it.
        if (event.sync <= before && event.hash !== after) return undefined;
        if (event.hash !== after && !ref.startsWith('refs/tags/')) return end({ event: 'superseded', by: event.hash });
        hash = event.hash;
        return undefined;
      }
      if (event.hash !== hash) return undefined;
      if (event.event === 'gate') return response.writableLength > BEHIND ? undefined : write(event);
      if (event.event === 'live' && event.verifies) {
        // Each sync meanwhile finds it live.
        if (!live) write(event);
        live = true;
        return undefined;
      }
      return end(event);
    };
    const unfollow = progress.follow(onEvent);
    const timer = setTimeout(() => end({ event: 'pending' }), seconds * 1000);
    response.once('close', () => end());
    write({ event: 'accepted' });
    for (const event of progress.recent) if (this.#responses.has(response)) onEvent(event);
  }
}

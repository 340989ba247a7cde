/** What the adapter asks of a database, whichever it is. */
import type { Families } from './families.ts';

/** How a round of questions went. */
export interface Outcome {
  /** Why there is no answer; undefined when there is. */
  readonly error: Error | undefined;
  /** How long it took. */
  readonly seconds: number;
}

/** Told of a question that the database refused while it answered others. */
export type Refused = (query: string, error: Error) => void;

/** A question that costs the database more than a scrape may. */
export interface ExpensiveQuery {
  readonly name: string;
  ask(signal: AbortSignal): Promise<Families>;
}

/** What is new in the slow log. */
export interface SlowLogBatch {
  /** Oldest first, each the fields of a JSON line. */
  readonly entries: readonly Readonly<Record<string, unknown>>[];
  /** Entries that the database had dropped before they were read. */
  readonly lost: number;
  /** The log began anew, because the server did or because somebody emptied it. */
  readonly begunAnew: boolean;
}

export interface Database {
  /** Ask for all metrics. @throws when there is no answer */
  scrape(signal: AbortSignal, refused: Refused): Promise<Families>;
  /** Metrics about the round itself: `redis_up`, `mysql_up`. */
  about(outcome: Outcome): Families;
  /** Verify that it answers. @throws when it does not */
  ping(signal: AbortSignal): Promise<void>;
  readonly expensive: readonly ExpensiveQuery[];
  /** Undefined where nobody wants it. */
  readonly slowLog: ((signal: AbortSignal) => Promise<SlowLogBatch>) | undefined;
}

/**
 * Run a round with a deadline.
 * @param end gives the round up, too: nobody waits for its answer any more
 * @throws an error that names the deadline when it passes, or the reason of `end`
 */
export async function withDeadline<T>(
  milliseconds: number,
  ask: (signal: AbortSignal) => Promise<T>,
  end?: AbortSignal,
): Promise<T> {
  end?.throwIfAborted();
  const stop = new AbortController();
  const { promise: over, reject } = Promise.withResolvers<never>();
  const giveUp = (reason: Error): void => {
    stop.abort(reason);
    reject(reason);
  };
  const timer = setTimeout(() => giveUp(new Error(`no answer within ${milliseconds / 1000} s`)), milliseconds);
  const ended = (): void => giveUp(end!.reason as Error);
  end?.addEventListener('abort', ended, { once: true });
  try {
    // The race is for an answer that does not heed the signal: nobody waits longer than was promised.
    return await Promise.race([ask(stop.signal), over]);
  } finally {
    clearTimeout(timer);
    end?.removeEventListener('abort', ended);
  }
}

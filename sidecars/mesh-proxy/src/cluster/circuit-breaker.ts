/** What a cluster has under way at most (Envoy's circuit breakers). */
import type { CircuitBreaker, Cluster } from '#mesh/model/cluster.ts';
import { RetryBudget } from './retry-budget.ts';
import { WaitingList } from './waiting-list.ts';

/** A place for one request. */
export interface Place {
  /** Give it back; only the first call counts. */
  leave(): void;
}

/** Gives a place to a request that waits for it; undefined when there will be none. */
type Waiting = (place: Place | undefined) => void;

export class Limits {
  requests = 0;
  connections = 0;
  readonly retries: RetryBudget;
  readonly #waiting = new WaitingList<Waiting>();
  #settings: CircuitBreaker;

  constructor(settings: CircuitBreaker | undefined, budget: Cluster['retryBudget']) {
    this.#settings = settings ?? {};
    this.retries = new RetryBudget(settings?.maxRetries, budget);
  }

  update(settings: CircuitBreaker | undefined, budget: Cluster['retryBudget']): void {
    this.#settings = settings ?? {};
    this.retries.update(settings?.maxRetries, budget);
    this.#next();
  }

  /** Requests that wait for a connection. */
  get pending(): number {
    return this.#waiting.length;
  }

  /**
   * A place for a request, or a connection that is relayed as a whole.
   * @param connects it takes a connection of its own, as HTTP/1 does
   * @param signal aborted when nobody waits any more; asked for only where there is something to wait for
   * @returns undefined when there is none, and no room to wait; a promise when it has to wait for a connection
   */
  enter(connects: boolean, signal: () => AbortSignal): Place | Promise<Place | undefined> | undefined {
    const { maxRequests = 1024, maxConnections = 1024, maxPendingRequests = 1024 } = this.#settings;
    if (!connects) return this.requests < maxRequests ? this.#place(false) : undefined;
    if (this.requests + this.#waiting.length >= maxRequests) return undefined;
    if (this.connections < maxConnections && this.#waiting.length === 0) return this.#place(true);
    if (this.#waiting.length >= maxPendingRequests) return undefined;
    const { promise, resolve } = Promise.withResolvers<Place | undefined>();
    const forget = this.#waiting.push(resolve);
    const leave = (): void => {
      forget();
      resolve(undefined);
    };
    signal().addEventListener('abort', leave, { once: true });
    return promise;
  }

  #place(connects: boolean): Place {
    this.requests++;
    if (connects) this.connections++;
    return new Taken(this, connects);
  }

  /** For a place that is given back. */
  leave(connects: boolean): void {
    this.requests--;
    if (connects) this.connections--;
    this.#next();
  }

  #next(): void {
    const { maxConnections = 1024 } = this.#settings;
    while (this.#waiting.length > 0 && this.connections < maxConnections) this.#waiting.shift()!(this.#place(true));
  }

  /** Nobody waits for it any more. */
  close(): void {
    for (let take = this.#waiting.shift(); take !== undefined; take = this.#waiting.shift()) take(undefined);
  }
}

class Taken implements Place {
  readonly #connects: boolean;
  #limits: Limits | undefined;

  constructor(limits: Limits, connects: boolean) {
    this.#limits = limits;
    this.#connects = connects;
  }

  leave(): void {
    const limits = this.#limits;
    this.#limits = undefined;
    limits?.leave(this.#connects);
  }
}

/** A service's servers as a cluster of HTTP: each try goes to those of the moment. */
import { isIdempotent } from '#proxy/http/message.ts';
import type { Filter } from '#proxy/filters/filter.ts';
import type { Sweeper } from '#proxy/loop/sweeper.ts';
import type { Cluster, Endpoint, TryOutcome } from '#proxy/upstream/cluster.ts';
import { Http1Endpoint } from '#proxy/upstream/endpoint.ts';
import type { FailedTry, RetryPolicy } from '#proxy/upstream/retry.ts';
import { HTTP_IDLE_TIMEOUT, type Address } from '../http.ts';
import type { Servers } from './servers.ts';

/** From one try of all servers to the next, in milliseconds. */
const AGAIN = 100;
/** Retries of a repeatable request whose answer never came. */
const MAX_LOST = 3;
/** So much of a body is kept for another try, in bytes. */
const MAX_KEPT = 256 * 1024;

export interface HttpService {
  /** Those of the moment: a move exchanges them. */
  readonly servers: Servers;
  readonly endpoints: Endpoints;
  /** How long a request waits while no server can be connected to, in milliseconds. */
  readonly wait: number;
  readonly onTry: (server: string) => void;
  readonly onAnswer: (server: string) => void;
  readonly onUnanswered: () => void;
}

/** An endpoint of each server, made when it is asked for. */
export class Endpoints {
  readonly #byName = new Map<string, Http1Endpoint>();
  readonly #options: { readonly sweeper: Sweeper; readonly maxHeaderSize: number };

  constructor(options: { readonly sweeper: Sweeper; readonly maxHeaderSize: number }) {
    this.#options = options;
  }

  to({ host, port, name }: Address & { readonly name: string }): Http1Endpoint {
    let endpoint = this.#byName.get(name);
    if (endpoint === undefined) {
      endpoint = new Http1Endpoint({ ...this.#options, host, port, idleTimeout: HTTP_IDLE_TIMEOUT });
      this.#byName.set(name, endpoint);
    }
    return endpoint;
  }

  /** Close what is idle, and forget those that have nothing under way, of servers that are not in use. */
  release(used: (name: string) => boolean): void {
    for (const [name, endpoint] of this.#byName) {
      if (used(name)) continue;
      endpoint.close();
      if (endpoint.active === 0) this.#byName.delete(name);
    }
  }

  /** Requests under way at each. */
  *[Symbol.iterator](): Generator<readonly [name: string, active: number]> {
    for (const [name, { active }] of this.#byName) yield [name, active];
  }

  close(): void {
    this.release(() => false);
  }
}

/** Filter: gives each request its own way to the servers. */
export function brokered(service: HttpService): Filter {
  return {
    onRequest(exchange) {
      const { request } = exchange;
      const way = new Way(service, isIdempotent(request.method) && request.upgrade === '');
      exchange.cluster = way;
      exchange.retry = way;
      // What it waits for a server comes before what a server may take.
      exchange.timeout += service.wait;
    },
    onEnd({ failure }) {
      if (failure !== undefined) service.onUnanswered();
    },
  };
}

/** One request's way: the servers it has tried, and whether it may be sent again. */
class Way implements Cluster, RetryPolicy {
  readonly perTryTimeout = Infinity;
  readonly maxBody = MAX_KEPT;
  readonly #service: HttpService;
  readonly #repeatable: boolean;
  readonly #until: number;
  /** Names of servers that could not be connected to since all were tried last. */
  readonly #failed = new Set<string>();
  #server = '';
  #lost = 0;

  constructor(service: HttpService, repeatable: boolean) {
    this.#service = service;
    this.#repeatable = repeatable;
    this.#until = performance.now() + service.wait;
  }

  pick(): Endpoint | undefined {
    const { servers, endpoints, onTry } = this.#service;
    const server = servers.next(this.#failed);
    if (server === undefined) return undefined;
    this.#server = server.name;
    onTry(server.name);
    return endpoints.to(server);
  }

  onConnect(): void {
    this.#service.servers.connected(this.#server);
  }
  onConnectFailure(_endpoint: Endpoint, reason: string): void {
    this.#service.servers.failed(this.#server, reason);
    this.#failed.add(this.#server);
  }
  onTryEnd(_endpoint: Endpoint, outcome: TryOutcome): void {
    if ('status' in outcome) this.#service.onAnswer(this.#server);
  }

  again({ failure }: FailedTry): number | undefined {
    switch (failure) {
      case 'connect':
      case 'connect_timeout':
        // Nothing has left: it may go anywhere.
        if (this.#service.servers.next(this.#failed) !== undefined) return 0;
        this.#failed.clear();
        return performance.now() + AGAIN > this.#until ? undefined : AGAIN;
      case 'closed':
      case 'invalid_response':
        // It may have been done already, which does no harm to what may be done twice.
        return this.#repeatable && ++this.#lost <= MAX_LOST ? 0 : undefined;
      default:
        return undefined;
    }
  }
}

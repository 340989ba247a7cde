/** Where a request of HTTP goes (RDS). */
import type { HeaderMatch, QueryMatch } from './match.ts';
import type { Cors, Fault, HeaderEdits, RateLimit, Retry } from './policy.ts';

export interface VirtualHost {
  readonly name: string;
  /**
   * Of Host, in small letters: `shop`, `shop:8080`, `*.shop`, `shop.*`, `*`. The best is taken: exact, longest
   * `*.suffix`, longest `prefix.*`, `*`.
   */
  readonly domains: readonly string[];
  /** The first that fits is taken; none: 404. */
  readonly routes: readonly Route[];
}

export interface WeightedCluster {
  readonly cluster: string;
  readonly weight: number;
}

export interface RouteMatch {
  /** Of the path without its query. */
  readonly path?: { readonly prefix: string } | { readonly exact: string } | { readonly regex: string };
  /** All of them. */
  readonly headers?: readonly HeaderMatch[];
  /** Parameters of the query, all of them; of one that is repeated the first counts. */
  readonly query?: readonly QueryMatch[];
  /** Only this share of the matching requests; the others look at the next route. */
  readonly percent?: number;
}

/** What a ring hash goes by; the first that has a value. */
export type HashPolicy = { readonly header: string } | { readonly source: true };

export interface Route {
  readonly name?: string;
  readonly match: RouteMatch;
  /** Where to; in proportion to the weights. Absent with `reply`. */
  readonly clusters?: readonly WeightedCluster[];
  /** An answer of the proxy's own instead. */
  readonly reply?: { readonly status: number; readonly body?: string };
  /** All tries together, until the response begins. Absent or 0: none. */
  readonly timeout?: number;
  /** How long either body may say nothing. Absent: MESH_IDLE_TIMEOUT; 0: without end. */
  readonly idleTimeout?: number;
  readonly retry?: Retry;
  readonly mirror?: readonly { readonly cluster: string; readonly percent: number }[];
  readonly fault?: Fault;
  readonly cors?: Cors;
  readonly rateLimit?: RateLimit;
  readonly hash?: readonly HashPolicy[];
  readonly requestHeaders?: HeaderEdits;
  readonly responseHeaders?: HeaderEdits;
  /** `prefix` stands in place of what `match.path` (a prefix, or exact) took; `authority` in place of Host. */
  readonly rewrite?: { readonly prefix?: string; readonly authority?: string };
}

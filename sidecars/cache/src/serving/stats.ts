/** What the cache counts, in plain numbers while traffic flows. */
import type { Counter, Gauge } from '#kit/telemetry/series.ts';
import type { EvictionReason } from '../store/store.ts';

export const RESULTS = ['hit', 'stale', 'revalidated', 'miss', 'collapsed', 'pass'] as const;
export type Result = (typeof RESULTS)[number];

/** The metrics that the counts become. */
export interface CacheMetrics {
  readonly cache_requests_total: Counter;
  readonly cache_origin_requests_total: Counter;
  readonly cache_objects: Gauge;
  readonly cache_bytes: Gauge;
  readonly cache_evictions_total: Counter;
  readonly cache_purges_total: Counter;
}

export class CacheStats {
  readonly results: Record<Result, number> = { hit: 0, stale: 0, revalidated: 0, miss: 0, collapsed: 0, pass: 0 };
  readonly #origin = new Map<string, number>();
  readonly #evictions = new Map<string, number>();
  readonly #purges = new Map<string, number>();

  /** The application answered. @param status 0 when it did not */
  origin(status: number): void {
    const code = status === 0 ? 'none' : `${Math.min(Math.trunc(status / 100), 5)}xx`;
    this.#origin.set(code, (this.#origin.get(code) ?? 0) + 1);
  }

  evicted(reason: EvictionReason): void {
    this.#evictions.set(reason, (this.#evictions.get(reason) ?? 0) + 1);
  }

  purged(kind: string): void {
    this.#purges.set(kind, (this.#purges.get(kind) ?? 0) + 1);
  }

  /** Add what was counted since the last time. */
  flush(metrics: CacheMetrics): void {
    for (const result of RESULTS) {
      metrics.cache_requests_total.inc({ result }, this.results[result]);
      this.results[result] = 0;
    }
    for (const [counter, label, counts] of [
      [metrics.cache_origin_requests_total, 'code', this.#origin],
      [metrics.cache_evictions_total, 'reason', this.#evictions],
      [metrics.cache_purges_total, 'kind', this.#purges],
    ] as const) {
      for (const [value, count] of counts) counter.inc({ [label]: value }, count);
      counts.clear();
    }
  }
}

/** Who calls whom, how often, how well and how fast: from Istio's standard metrics, looked at again and again. */
import type { Sample } from './prometheus.ts';

export const REQUESTS = 'istio_requests_total';
export const DURATIONS = 'istio_request_duration_milliseconds_bucket';
export const CONNECTIONS = 'istio_tcp_connections_opened_total';
export const WANTED: ReadonlySet<string> = new Set([REQUESTS, DURATIONS, CONNECTIONS]);

export interface Edge {
  readonly from: string;
  readonly to: string;
  /** Requests a second, or new connections where it is not HTTP. */
  readonly rate: number;
  readonly kind: 'requests' | 'connections';
  /** 0 to 1, what was refused among the failures; absent when there was nothing. */
  readonly success?: number;
  /** Milliseconds, by the buckets of the histogram; absent when there was nothing. */
  readonly p50?: number;
  readonly p99?: number;
  /** Whether mTLS was used for all, some or none; absent when there was nothing. */
  readonly mtls?: 'all' | 'some' | 'none';
  /** Requests a second by the version that they went to. */
  readonly versions: Readonly<Record<string, number>>;
}

/** One look at a proxy: its counters. */
export interface Look {
  /** Milliseconds, of a clock that only goes forward. */
  readonly at: number;
  readonly samples: readonly Sample[];
}

/** A proxy that nobody has heard of for so long is forgotten. */
const FORGOTTEN_AFTER = 60_000;

/** Keeps the looks of a window, and tells what happened in it. */
export class Edges {
  readonly #window: number;
  readonly #looks = new Map<string, Map<string, Series>>();
  readonly #heard = new Map<string, number>();

  /** @param window milliseconds */
  constructor(window: number) {
    this.#window = window;
  }

  /** Add a look at a proxy. */
  add(proxy: string, { at, samples }: Look): void {
    this.#heard.set(proxy, at);
    for (const [other, last] of this.#heard)
      if (at - last > FORGOTTEN_AFTER) {
        this.#heard.delete(other);
        this.#looks.delete(other);
      }
    const known = this.#looks.get(proxy) ?? new Map<string, Series>();
    const first = !this.#looks.has(proxy);
    this.#looks.set(proxy, known);
    for (const sample of samples) {
      const key = `${sample.name}${JSON.stringify(sample.labels)}`;
      const series = known.get(key);
      if (series) series.points.push({ at, value: sample.value });
      // A counter that appears began at 0; of one that was there before the first look, nobody knows.
      else
        known.set(key, { sample, points: [...(first ? [] : [{ at: at - 1, value: 0 }]), { at, value: sample.value }] });
    }
    for (const { points } of known.values())
      while (points.length > 1 && points[1]!.at <= at - this.#window) points.shift();
  }

  /**
   * What happened within the window.
   * @param now milliseconds, of the clock of the looks
   */
  edges(now: number): Edge[] {
    const groups = new Map<string, Group>();
    for (const series of this.#looks.values())
      for (const { sample, points } of series.values()) {
        const { labels, name } = sample;
        const edge = endsOf(labels);
        if (edge === undefined) continue;
        const key = `${edge.from}\0${edge.to}`;
        const group = groups.get(key) ?? new Group(edge);
        groups.set(key, group);
        const count = increase(points.filter(({ at }) => at >= now - this.#window - 1));
        if (isToldTwice(labels)) group.refuse(count);
        else group.add(name, labels, count);
      }
    return [...groups.values()].map((group) => group.edge(this.#window / 1000)).toSorted(byEnds);
  }
}

interface Series {
  readonly sample: Sample;
  readonly points: { readonly at: number; readonly value: number }[];
}

const byEnds = (a: Edge, b: Edge): number => a.from.localeCompare(b.from) || a.to.localeCompare(b.to);

/** How much a counter grew; one that fell began anew. */
function increase(points: readonly { readonly value: number }[]): number {
  let total = 0;
  for (let index = 1; index < points.length; index++) {
    const step = points[index]!.value - points[index - 1]!.value;
    total += step >= 0 ? step : points[index]!.value;
  }
  return total;
}

/** The caller's proxy tells of a call; of a caller without one, the called one's does. */
function endsOf(labels: Readonly<Record<string, string>>): { from: string; to: string } | undefined {
  const from = labels['source_workload'] ?? 'unknown';
  const to = labels['destination_service_name'] ?? 'unknown';
  if (labels['reporter'] === 'source') return { from, to };
  if (isToldTwice(labels)) return { from, to };
  return from === 'unknown' ? { from: OUTSIDE, to } : undefined;
}

/** The called one's proxy alone says that it refused; the caller's tells of the same request with its status. */
const isToldTwice = (labels: Readonly<Record<string, string>>): boolean =>
  labels['reporter'] !== 'source' && (labels['source_workload'] ?? 'unknown') !== 'unknown' && isRefused(labels);

/** By authorization or by a rate limit: Envoy's response flags UAEX and RL. */
const isRefused = ({ response_flags: flags = '' }: Readonly<Record<string, string>>): boolean =>
  /(?:^|,)(?:UAEX|RL)(?:,|$)/.test(flags);

/** A caller or called service without a proxy. */
export const OUTSIDE = 'outside';

class Group {
  readonly #edge: { from: string; to: string };
  #requests = 0;
  #connections = 0;
  #good = 0;
  #goodConnections = 0;
  /** As callers and as called ones say. */
  readonly #refused = { source: 0, destination: 0 };
  #secure = 0;
  readonly #buckets = new Map<number, number>();
  readonly #versions = new Map<string, number>();

  constructor(edge: { from: string; to: string }) {
    this.#edge = edge;
  }

  refuse(count: number): void {
    this.#refused.destination += count;
  }

  add(name: string, labels: Readonly<Record<string, string>>, count: number): void {
    if (count === 0) return;
    if (name === DURATIONS) {
      const bound = Number(labels['le']?.replace('+Inf', 'Infinity'));
      this.#buckets.set(bound, (this.#buckets.get(bound) ?? 0) + count);
      return;
    }
    if (labels['connection_security_policy'] === 'mutual_tls') this.#secure += count;
    if (name === CONNECTIONS) {
      this.#connections += count;
      if (['', '-'].includes(labels['response_flags'] ?? '')) this.#goodConnections += count;
      return;
    }
    this.#requests += count;
    if (isGood(labels)) {
      this.#good += count;
      if (isRefused(labels)) this.#refused.source += count;
    }
    const version = labels['destination_version'] ?? 'unknown';
    this.#versions.set(version, (this.#versions.get(version) ?? 0) + count);
  }

  edge(seconds: number): Edge {
    const total = this.#requests + this.#connections;
    const kind = this.#requests > 0 || this.#connections === 0 ? 'requests' : 'connections';
    return {
      ...this.#edge,
      kind,
      rate: (kind === 'requests' ? this.#requests : this.#connections) / seconds,
      versions: Object.fromEntries([...this.#versions].map(([version, count]) => [version, count / seconds])),
      ...(total > 0 && { success: this.#success(kind) }),
      ...(total > 0 && { mtls: this.#secure === total ? 'all' : this.#secure > 0 ? 'some' : 'none' }),
      ...(this.#buckets.size > 0 && { p50: quantile(this.#buckets, 0.5), p99: quantile(this.#buckets, 0.99) }),
    };
  }

  #success(kind: Edge['kind']): number {
    const { source, destination } = this.#refused;
    if (kind === 'connections') return this.#goodConnections / this.#connections;
    return Math.max(0, this.#good - Math.max(source, destination)) / this.#requests;
  }
}

/** 5xx and no answer at all are failures; gRPC's own failures, too. */
function isGood(labels: Readonly<Record<string, string>>): boolean {
  const code = Number(labels['response_code']);
  const grpc = labels['grpc_response_status'] ?? '';
  return code > 0 && code < 500 && (grpc === '' || grpc === '0');
}

/** A quantile of a histogram of cumulative buckets, as PromQL's histogram_quantile has it. */
export function quantile(buckets: ReadonlyMap<number, number>, share: number): number {
  const sorted = [...buckets].toSorted(([a], [b]) => a - b);
  const total = sorted.at(-1)?.[1] ?? 0;
  const rank = share * total;
  let below = { bound: 0, count: 0 };
  for (const [bound, count] of sorted) {
    if (count >= rank) {
      if (!Number.isFinite(bound)) return below.bound;
      const within = count - below.count;
      return below.bound + (bound - below.bound) * (within === 0 ? 1 : (rank - below.count) / within);
    }
    below = { bound, count };
  }
  return below.bound;
}

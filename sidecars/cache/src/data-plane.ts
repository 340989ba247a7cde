/** Everything between the clients' port and the application's. */
import { explain } from '#kit/text/explain.ts';
import type { Logger } from '#kit/telemetry/log.ts';
import type { Metrics } from '#kit/telemetry/metrics.ts';
import { ConfigurationError } from '#kit/contract/parameters.ts';
import type { ReadinessCheck } from '#kit/life/readiness.ts';
import type { ProxyContext } from '#proxy/exchange/context.ts';
import type { DownstreamInfo } from '#proxy/sockets/connection.ts';
import { PlainListener } from '#proxy/downstream/plain-listener.ts';
import { accessLog } from '#proxy/filters/access-log.ts';
import { Filters } from '#proxy/filters/filter.ts';
import { forwarded } from '#proxy/filters/forwarded.ts';
import { ProxyCounts } from '#proxy/stats.ts';
import { Sweeper } from '#proxy/loop/sweeper.ts';
import { collectUnderPressure } from '#proxy/memory/pressure.ts';
import { startTracing } from '#proxy/tracing/tracing.ts';
import { SingleEndpoint } from '#proxy/upstream/cluster.ts';
import { Http1Endpoint } from '#proxy/upstream/endpoint.ts';
import { EndpointHealth } from '#proxy/upstream/health.ts';
import { contract } from './contract.ts';
import { frontSettings } from '#proxy/front-parameters.ts';
import { cacheSettings, type CacheParameters } from './parameters.ts';
import { CacheFilter } from './serving/cache-filter.ts';
import { Fetches } from './serving/fetches.ts';
import { Purger } from './serving/purger.ts';
import { CacheStats } from './serving/stats.ts';
import { Garbage } from './store/garbage.ts';
import { DiskStore } from './store/disk.ts';
import { Store } from './store/store.ts';

export interface DataPlaneOptions {
  readonly parameters: CacheParameters;
  readonly log: Logger;
  readonly metrics: Metrics<typeof contract.metrics>;
  /** Told whether the application is up. */
  readonly appCheck: ReadinessCheck;
  /** Milliseconds since the epoch: a test's seam. */
  readonly now?: () => number;
}

export interface DataPlane {
  readonly port: number;
  readonly listening: boolean;
  readonly store: Store;
  readonly purger: Purger;
  readonly stats: CacheStats;
  /** Bring metrics up to date. */
  updateMetrics(): void;
  /**
   * Come to an end: no further connections, the begun requests finished.
   * @param patience milliseconds after which the rest is cut
   */
  drain(patience: number): Promise<void>;
}

/** The rest of CACHE_MEMORY is what the allocator leaves unused, and what has left the store and is not collected yet. */
const FOR_RESPONSES = 0.45;
/** Of CACHE_MEMORY: the index of what is on the disk. */
const FOR_INDEX = 0.25;

/** Another proxy of the same pod: nobody else reaches its loopback interface. */
const isNeighbour = ({ remoteAddress }: DownstreamInfo): boolean =>
  remoteAddress.startsWith('127.') || remoteAddress === '::1';

/**
 * Listen, answer and relay.
 * @throws {ConfigurationError} when a port cannot be had
 */
export async function startDataPlane(options: DataPlaneOptions): Promise<DataPlane> {
  const { parameters, log, metrics, now = Date.now } = options;
  const { PROXY_HOST: host, PROXY_PORT: port } = parameters;
  // Of whom, the forwarded filter and the cache decide: of other proxies in the pod.
  const settings = frontSettings('CACHE_', parameters, true);
  const counts = publishedCounts(metrics);
  const sweeper = new Sweeper(
    Math.min(settings.headerTimeout, settings.idleTimeout, settings.responseTimeout, settings.connectTimeout),
  );
  const health = new EndpointHealth({
    host,
    port,
    connectTimeout: settings.connectTimeout,
    check: options.appCheck,
    stats: counts,
    log,
  });
  const endpoint = new Http1Endpoint({
    host,
    port,
    idleTimeout: parameters.PROXY_IDLE_TIMEOUT,
    maxHeaderSize: settings.maxHeaderSize,
    sweeper,
  });
  const stats = new CacheStats();
  const limit = Math.floor(parameters.CACHE_MEMORY * FOR_RESPONSES);
  const garbage = new Garbage({
    most: parameters.CACHE_MEMORY / 8,
    onInUse: (bytes) => store.memory.hold(bytes),
  });
  const store = new Store({
    memory: limit,
    uncollected: () => garbage.uncollected,
    maxVariants: parameters.CACHE_MAX_VARIANTS,
    onEvict: (reason, size, stored) => {
      stats.evicted(reason);
      garbage.add(size, stored?.body.buffer);
    },
  });
  await openDisk(parameters, log, stats, store, limit / 4);
  const ours = cacheSettings(parameters);
  const publicPort = parameters.CACHE_PUBLIC_PORT;
  // The filter, the fetches and the context know each other: the first to be made looks the others up later.
  const purger = new Purger(store, now);
  const filter = new CacheFilter({
    settings: ours,
    store,
    stats,
    purger,
    context: () => context,
    fetches: () => fetches,
    trusts: isNeighbour,
    publicPort,
    now,
    onChallenge: once(() => log.warn(CHALLENGED)),
  });
  const tracing = startTracing({
    parameters,
    log,
    scope: contract,
    metrics: {
      exported: metrics.cache_spans_exported_total,
      dropped: metrics.cache_spans_dropped_total,
    },
    describe: (response) => ({ 'cache.status': response.get('cache-status') }),
  });
  const context: ProxyContext = {
    settings,
    log,
    stats: counts,
    sweeper,
    filters: new Filters([
      ...tracing.filters,
      filter,
      forwarded(publicPort, isNeighbour),
      ...accessLog({ parameters, log }),
    ]),
    cluster: new SingleEndpoint(endpoint, health, parameters.CACHE_MAX_CONNECTIONS),
    draining: false,
  };
  const stopCollecting = collectUnderPressure();
  const fetches = new Fetches({
    context,
    settings: ours,
    store,
    stats,
    now,
  });
  const listener = new PlainListener({
    context,
    host: parameters.CACHE_LISTEN_ADDRESS,
    port: parameters.CACHE_LISTEN_PORT,
    portParameter: 'CACHE_LISTEN_PORT',
    maxConnections: parameters.CACHE_MAX_CONNECTIONS,
  });
  await listener.open();
  health.start();
  return {
    port: listener.port,
    get listening() {
      return listener.listening;
    },
    store,
    purger,
    stats,
    updateMetrics() {
      stats.flush(metrics);
      metrics.cache_objects.set(store.memory.count);
      metrics.cache_bytes.set({ store: 'memory' }, store.memory.bytes);
      if (store.disk !== undefined) metrics.cache_bytes.set({ store: 'disk' }, store.disk.bytes);
    },
    async drain(patience) {
      await listener.drain(patience);
      await store.disk?.settled();
      await tracing.close();
      store.disk?.close();
      stopCollecting();
      health.close();
      endpoint.close();
    },
  };
}

const CHALLENGED =
  'the application asks for credentials behind this cache, which gives what is stored to everybody: the order is tls, auth, cache, application';

function once(action: () => void): () => void {
  let done = false;
  return () => {
    if (!done) action();
    done = true;
  };
}

/** @throws {ConfigurationError} when the directory cannot be used */
async function openDisk(
  parameters: CacheParameters,
  log: Logger,
  stats: CacheStats,
  store: Store,
  maxWaiting: number,
): Promise<void> {
  const { CACHE_DISK: limit, CACHE_DIR: directory, CACHE_MAX_OBJECT: maxObject } = parameters;
  if (limit === 0) return;
  const indexLimit = parameters.CACHE_MEMORY * FOR_INDEX;
  const onDamaged = (): void => stats.evicted('damaged');
  try {
    await DiskStore.open({ directory, limit, indexLimit, maxObject, maxWaiting, log, onDamaged }, (disk, entries) => {
      store.attach(disk, entries);
      return store;
    });
  } catch (error) {
    const message = `CACHE_DIR: ${directory} cannot be used (${explain(error)}); accepted is a directory that this user may write`;
    throw new ConfigurationError([{ parameter: 'CACHE_DIR', reason: 'unreadable', message }]);
  }
}

/** The data plane's counts, as this sidecar's metrics. */
function publishedCounts(metrics: Metrics<typeof contract.metrics>): ProxyCounts {
  const counts = new ProxyCounts();
  counts.publish({
    connectionsOpen: metrics.cache_connections_open,
    connectionsRefused: metrics.cache_connections_refused_total,
    requestsInFlight: metrics.cache_requests_in_flight,
    requestsRejected: metrics.cache_requests_rejected_total,
    upstreamErrors: metrics.cache_upstream_errors_total,
    upstreamUp: metrics.cache_app_up,
    internalErrors: metrics.cache_internal_errors_total,
    requestDuration: metrics.cache_request_duration_seconds,
  });
  return counts;
}

/** Everything between the clients' port and the application's, in one process. */
import type { Logger } from '#kit/log.ts';
import type { Metrics } from '#kit/metrics.ts';
import type { Values } from '#kit/parameters.ts';
import type { ReadinessCheck } from '#kit/readiness.ts';
import type { createClientPolicy } from './certificates/client-identity.ts';
import type { CertificateStore } from './certificates/store.ts';
import type { contract } from './contract.ts';
import { TlsListener } from './listener.ts';
import type { Plane } from './plane.ts';
import { serveRedirect } from './redirect.ts';
import { Sweeper } from './sweeper.ts';
import { Tally } from './tally.ts';
import { AppHealth } from './upstream/health.ts';
import { UpstreamPool } from './upstream/pool.ts';

export interface DataPlaneOptions {
  readonly parameters: Values<typeof contract.parameters>;
  readonly log: Logger;
  readonly metrics: Metrics<typeof contract.metrics>;
  /** Told whether the application is up. */
  readonly appCheck: ReadinessCheck;
  readonly store: CertificateStore;
  readonly policy: ReturnType<typeof createClientPolicy>;
  /** Other processes listen on the same ports. */
  readonly shared: boolean;
}

export interface DataPlane {
  /** The TLS port. */
  readonly port: number;
  readonly listening: boolean;
  /**
   * Come to an end: no further connections, the begun requests finished.
   * @param patience milliseconds after which the rest is cut
   */
  drain(patience: number): Promise<void>;
}

/**
 * Listen and relay.
 * @throws {ConfigurationError} when a port cannot be had
 */
export async function startDataPlane(options: DataPlaneOptions): Promise<DataPlane> {
  const { parameters, log, store, policy, shared } = options;
  const { PROXY_HOST: host, PROXY_PORT: port, TLS_HSTS_MAX_AGE, TLS_REDIRECT_PORT } = parameters;
  const tally = new Tally();
  tally.publish(options.metrics);
  const sweeper = new Sweeper(
    Math.min(
      parameters.TLS_HEADER_TIMEOUT,
      parameters.TLS_IDLE_TIMEOUT,
      parameters.TLS_RESPONSE_TIMEOUT,
      parameters.TLS_CONNECT_TIMEOUT,
    ),
  );
  const health = new AppHealth({
    host,
    port,
    connectTimeout: parameters.TLS_CONNECT_TIMEOUT,
    check: options.appCheck,
    tally,
    log,
  });
  const plane: Plane = {
    parameters,
    log,
    tally,
    sweeper,
    health,
    pool: new UpstreamPool({ host, port, idleTimeout: parameters.PROXY_IDLE_TIMEOUT, sweeper }),
    hsts: TLS_HSTS_MAX_AGE > 0 ? `max-age=${Math.ceil(TLS_HSTS_MAX_AGE / 1000)}` : '',
    logsRequests: log.isLevelEnabled('debug'),
    draining: false,
    appIsOld: false,
  };
  const listener = new TlsListener({ plane, store, policy, shared });
  await listener.open();
  const redirect = TLS_REDIRECT_PORT === undefined ? undefined : await serveRedirect(plane, TLS_REDIRECT_PORT, shared);
  health.start();
  return {
    port: listener.port,
    get listening() {
      return listener.listening;
    },
    async drain(patience) {
      redirect?.close();
      redirect?.closeIdleConnections();
      await listener.drain(patience);
      redirect?.closeAllConnections();
      health.close();
      plane.pool.close();
      store.close();
    },
  };
}

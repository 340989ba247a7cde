/** A certificate store in a directory of its own, with its logs and metrics at hand, for tests. */
import { X509Certificate } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { connect as tlsConnect, createServer as createTlsServer, type Server } from 'node:tls';
import { createMetrics, Registry } from '#kit/telemetry/metrics.ts';
import type { Counter, Gauge } from '#kit/telemetry/series.ts';
import { readParameters } from '#kit/contract/parameters.ts';
import type { WallClock } from '#kit/time/wall-clock.ts';
import { contract } from '../contract.ts';
import type { ClientPolicy } from './client-identity.ts';
import type { ReloadTiming } from '#proxy/tls/reload.ts';
import { openCertificateStore, type CertificateStore } from './store.ts';

export interface TestStore {
  readonly store: CertificateStore;
  /** Log lines so far, `level text`. */
  readonly lines: string[];
  /** tls_certificate_reloads_total by result. */
  readonly reloads: () => Promise<Record<string, number>>;
  /** tls_certificate_not_after_seconds by name. */
  readonly notAfter: () => Promise<Record<string, number>>;
}

/** Open a store with these parameters, as the environment would give them. */
export async function openStore(
  env: Record<string, string>,
  timing?: ReloadTiming,
  policy?: ClientPolicy,
  clock?: WallClock,
): Promise<TestStore> {
  const { values: parameters } = readParameters(contract.parameters, {
    env: { PROXY_PORT: '80', ...env },
    prefixes: contract.prefixes,
  });
  const metrics = createMetrics(contract.metrics, new Registry());
  const lines: string[] = [];
  const line =
    (level: string) =>
    (...args: unknown[]): void =>
      void lines.push(`${level} ${String(args.at(-1))}`);
  const log = { info: line('info'), warn: line('warn'), error: line('error') };
  const store = await openCertificateStore({
    parameters,
    log: log as never,
    metrics,
    ...(policy && { policy }),
    ...(timing && { timing }),
    ...(clock && { clock }),
  });
  const by = async (metric: Counter | Gauge, label: string): Promise<Record<string, number>> =>
    Object.fromEntries(metric.get().values.map(({ labels, value }) => [String(labels[label]), value]));
  return {
    store,
    lines,
    reloads: () => by(metrics.tls_certificate_reloads_total, 'result'),
    notAfter: () => by(metrics.tls_certificate_not_after_seconds, 'name'),
  };
}

/** A TLS server that uses a store as the sidecar does; it ends with the process. */
export async function serve(store: CertificateStore): Promise<Server> {
  const server = createTlsServer({
    cert: store.default.cert,
    key: store.default.key,
    SNICallback: (name, done) => {
      const context = store.contextFor(name);
      if (context === store.default.context) done(null);
      else if (context) done(null, context);
      else done(new Error('refused'));
    },
  });
  server.on('secureConnection', (socket) => socket.on('error', () => undefined));
  store.onChange(() => server.setSecureContext({ cert: store.default.cert, key: store.default.key }));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  return server;
}

/** The serial number of the certificate that a client sees, in lower case. */
export function seenSerial(server: Server, serverName?: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = tlsConnect(
    {
      host: '127.0.0.1',
      port: (server.address() as AddressInfo).port,
      rejectUnauthorized: false,
      ...(serverName !== undefined && { servername: serverName }),
    },
    () => {
      resolve(socket.getPeerX509Certificate()!.serialNumber.toLowerCase());
      socket.destroy();
    },
  );
  socket.on('error', reject);
  return promise;
}

/** The serial number of a PEM certificate, in lower case. */
export const serialOf = (pem: string): string => new X509Certificate(pem).serialNumber.toLowerCase();

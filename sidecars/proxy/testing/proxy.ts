/** A proxy in the test's own process: plain HTTP in front of an application of the test's. */
import type { ProxyContext } from '#proxy/exchange/context.ts';
import { PlainListener, type PlainListenerOptions } from '#proxy/downstream/plain-listener.ts';
import { Filters, type Filter } from '#proxy/filters/filter.ts';
import type { ProxySettings } from '#proxy/settings.ts';
import type { ProxyStats } from '#proxy/stats.ts';
import { Sweeper } from '#proxy/loop/sweeper.ts';
import type { Cluster } from '#proxy/upstream/cluster.ts';
import { SingleEndpoint } from '#proxy/upstream/cluster.ts';
import type { UpstreamTls } from '#proxy/upstream/connection.ts';
import { Http1Endpoint } from '#proxy/upstream/endpoint.ts';

/** What was counted, as plain fields. */
export class TestStats implements ProxyStats {
  /** Connections with a socket of their own. */
  open = 0;
  multiplexed = 0;
  inFlight = 0;
  internalErrors = 0;
  readonly statuses: number[] = [];
  readonly rejected: string[] = [];
  readonly refused: string[] = [];
  readonly failures: string[] = [];
  downstreamOpened(): void {
    this.open++;
  }
  downstreamClosed(): void {
    this.open--;
  }
  multiplexedOpened(): void {
    this.multiplexed++;
  }
  multiplexedClosed(): void {
    this.multiplexed--;
  }
  downstreamProtocol(): void {}
  handshakeFailed(): void {}
  downstreamRefused(reason: string): void {
    this.refused.push(reason);
  }
  requestStarted(): void {
    this.inFlight++;
  }
  requestEnded(): void {
    this.inFlight--;
  }
  responded(status: number): void {
    this.statuses.push(status);
  }
  requestRejected(reason: string): void {
    this.rejected.push(reason);
  }
  upstreamFailed(reason: string): void {
    this.failures.push(reason);
  }
  upstreamUp(): void {}
  internalError(): void {
    this.internalErrors++;
  }
}

export interface TestProxyOptions {
  readonly filters?: readonly Filter[];
  readonly settings?: Partial<ProxySettings>;
  /** Instead of the one endpoint of the application's port. */
  readonly cluster?: (endpointTo: (port: number) => Http1Endpoint) => Cluster;
  readonly tls?: UpstreamTls;
  /** How long an idle connection to the application is kept, in milliseconds. */
  readonly idleTimeout?: number;
  readonly listener?: Partial<PlainListenerOptions>;
}

export interface TestProxy extends AsyncDisposable {
  readonly port: number;
  readonly stats: TestStats;
  readonly context: ProxyContext;
  /** Of the one endpoint. */
  readonly endpoint: Http1Endpoint;
  /** Internal errors that were logged. */
  readonly errors: unknown[];
}

/** Start a proxy; it ends with `await using`. */
export async function startProxy(appPort: number, options: TestProxyOptions = {}): Promise<TestProxy> {
  const settings: ProxySettings = {
    headerTimeout: 10_000,
    idleTimeout: 10_000,
    connectTimeout: 2_000,
    responseTimeout: 10_000,
    maxHeaderSize: 16 * 1024,
    retryAfter: 5_000,
    trustsForwarded: false,
    ...options.settings,
  };
  const sweeper = new Sweeper(
    Math.min(settings.headerTimeout, settings.idleTimeout, settings.connectTimeout, settings.responseTimeout),
  );
  const stats = new TestStats();
  const errors: unknown[] = [];
  const endpointTo = (port: number): Http1Endpoint =>
    new Http1Endpoint({
      host: '127.0.0.1',
      port,
      ...(options.tls && { tls: options.tls }),
      idleTimeout: options.idleTimeout ?? 4_000,
      maxHeaderSize: settings.maxHeaderSize,
      sweeper,
    });
  const endpoint = endpointTo(appPort);
  const context: ProxyContext = {
    settings,
    log: { debug: ignore, info: ignore, warn: ignore, error: (entry: unknown) => void errors.push(entry) },
    stats,
    sweeper,
    filters: new Filters(options.filters ?? []),
    cluster: options.cluster?.(endpointTo) ?? new SingleEndpoint(endpoint, { up: ignore, down: ignore }, 1000),
    draining: false,
  };
  const listener = new PlainListener({
    context,
    host: '127.0.0.1',
    port: 0,
    portParameter: 'PORT',
    maxConnections: 1000,
    ...options.listener,
  });
  await listener.open();
  return {
    port: listener.port,
    stats,
    context,
    endpoint,
    errors,
    async [Symbol.asyncDispose]() {
      await listener.drain(0);
      endpoint.close();
    },
  };
}

function ignore(): void {}

/** Pods of a mesh in a test's own process: what redirects connections in a pod is a function here. */
import type { Logger } from '#kit/telemetry/log.ts';
import { TestStats } from '#proxy/testing/proxy.ts';
import { DataPlane, type DataPlaneOptions } from '../data-plane.ts';
import type { Destination } from '../destination/sockaddr.ts';
import type { Filter } from '#proxy/filters/filter.ts';
import type { RequestState } from '../stream-info/request-state.ts';
import { requestStateOf } from '../stream-info/request-state.ts';
import type { DirectionTelemetry, RelayEnd } from '../stream-info/telemetry.ts';
import type { Configuration, PortProtocol } from '#mesh/model/configuration.ts';
import { causeOf, type Cause } from '../stream-info/causes.ts';
import { credentialsOf, idOf, TestIdentity } from './identities.ts';

/** What was seen of one direction. */
export class TestTelemetry implements DirectionTelemetry {
  readonly stats = new TestStats();
  readonly ends: { readonly record: RequestState; readonly status: number; readonly cause: Cause }[] = [];
  readonly relays: RelayEnd[] = [];
  readonly refusals: string[] = [];
  readonly filters: readonly Filter[] = [
    {
      onEnd: (exchange) => {
        const record = requestStateOf(exchange);
        this.ends.push({ record, status: exchange.status, cause: causeOf(record) });
      },
    },
  ];
  onOpen(): void {}
  onClose(end: RelayEnd): void {
    this.relays.push(end);
  }
  onRefused(reason: string): void {
    this.refusals.push(reason);
  }
}

export interface TestPod extends AsyncDisposable {
  readonly plane: DataPlane;
  readonly identity: TestIdentity;
  readonly outbound: TestTelemetry;
  readonly inbound: TestTelemetry;
  /** Where the next connections of the application were meant to go, and those to it. */
  readonly meant: { outbound: Destination; inbound: Destination };
  /** Errors that were logged: defects. */
  readonly errors: unknown[];
}

export interface TestPodOptions {
  readonly configuration?: Partial<Configuration>;
  readonly identity?: TestIdentity;
  readonly plane?: Partial<DataPlaneOptions>;
}

const NOWHERE: Destination = { address: '127.0.0.1', port: 1 };

export const SETTINGS: DataPlaneOptions['settings'] = {
  headerTimeout: 10_000,
  idleTimeout: 60_000,
  connectTimeout: 5_000,
  responseTimeout: 60_000,
  maxHeaderSize: 60 * 1024,
  retryAfter: 0,
  trustsForwarded: true,
};

/** A pod's proxy; it ends with `await using`. */
export async function startPod(service: string, options: TestPodOptions = {}): Promise<TestPod> {
  const identity = options.identity ?? new TestIdentity(await credentialsOf(service));
  const outbound = new TestTelemetry();
  const inbound = new TestTelemetry();
  const errors: unknown[] = [];
  const meant = { outbound: NOWHERE, inbound: NOWHERE };
  const ignore = (): void => {};
  const plane: DataPlane = new DataPlane({
    log: {
      debug: ignore,
      info: ignore,
      warn: ignore,
      error: (entry: unknown) => errors.push(entry),
    } as unknown as Logger,
    identity,
    originalDestination: (socket) => (socket.localPort === plane.outboundPort ? meant.outbound : meant.inbound),
    settings: SETTINGS,
    outbound: { host: '127.0.0.1', port: 0, telemetry: outbound },
    inbound: { host: '127.0.0.1', port: 0, telemetry: inbound },
    maxConnections: 1000,
    upstreamIdleTimeout: 30_000,
    handshakeTimeout: 10_000,
    onEjection: ignore,
    isOwn: () => false,
    takesFromOthers: () => true,
    ...options.plane,
  });
  plane.apply(configurationOf(options.configuration));
  await plane.open();
  return {
    plane,
    identity,
    outbound,
    inbound,
    meant,
    errors,
    async [Symbol.asyncDispose]() {
      await plane.drain(0);
    },
  };
}

export function configurationOf(parts: Partial<Configuration> = {}): Configuration {
  return {
    version: '1',
    outbound: { unknown: 'ALLOW_ANY', listeners: [] },
    inbound: { mtls: 'PERMISSIVE' },
    clusters: [],
    ...parts,
  };
}

export const SHOP: Destination = { address: '10.9.9.9', port: 8080 };

/** What sends all requests to a service to some ports of 127.0.0.1. @param meshed by mTLS */
export function towards(
  ports: readonly number[],
  { meshed = true, service = 'shop', route = {}, cluster = {}, protocol = 'auto', addresses }: TowardsOptions = {},
): Partial<Configuration> {
  return {
    outbound: {
      unknown: 'ALLOW_ANY',
      listeners: [
        {
          name: service,
          port: SHOP.port,
          protocol,
          ...(addresses && { addresses }),
          virtualHosts: [
            {
              name: service,
              domains: ['*'],
              routes: [{ match: {}, clusters: [{ cluster: service, weight: 1 }], ...route }],
            },
          ],
          tcp: [{ cluster: service, weight: 1 }],
        },
      ],
    },
    clusters: [
      {
        name: service,
        endpoints: ports.map((port) => ({ address: '127.0.0.1', port, meshed })),
        ...(meshed && { mtls: { identities: [idOf(service)] } }),
        ...cluster,
      },
    ],
  };
}

export interface TowardsOptions {
  readonly protocol?: PortProtocol;
  /** That the listener is for; absent: any. */
  readonly addresses?: readonly string[];
  readonly meshed?: boolean;
  readonly service?: string;
  readonly route?: Partial<NonNullable<Configuration['outbound']['listeners'][0]['virtualHosts']>[0]['routes'][0]>;
  readonly cluster?: Partial<Configuration['clusters'][0]>;
  readonly onEjection?: DataPlaneOptions['onEjection'];
}

/**
 * Two pods: one that calls, and one with an application that listens on a port.
 * Connect to `client.plane.outboundPort` as the application of the first would to the second.
 */
export async function startPair(
  appPort: number,
  options: {
    readonly client?: TowardsOptions;
    readonly server?: Partial<Configuration>;
    /** How many connections each proxy takes. */
    readonly maxConnections?: { readonly client?: number; readonly server?: number };
  } = {},
): Promise<{ readonly client: TestPod; readonly server: TestPod } & AsyncDisposable> {
  const planeOf = (maxConnections: number | undefined) => ({
    plane: maxConnections === undefined ? {} : { maxConnections },
  });
  const server = await startPod('shop', {
    ...(options.server && { configuration: options.server }),
    ...planeOf(options.maxConnections?.server),
  });
  server.meant.inbound = { address: '127.0.0.1', port: appPort };
  const client = await startPod('front', {
    configuration: towards([server.plane.inboundPort], options.client),
    ...planeOf(options.maxConnections?.client),
  });
  client.meant.outbound = SHOP;
  return {
    client,
    server,
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** A connection that is passed on as it is, counted and written down when it ends. */
import type { ProxyContext } from '#proxy/context.ts';
import { Tunnel } from '#proxy/downstream/tunnel.ts';
import type { Cluster, Endpoint } from '#proxy/upstream/cluster.ts';
import type { MeshCluster } from '../cluster/cluster.ts';
import type { ResponseFlag } from '../filters/record.ts';
import type { Connection } from './connection.ts';

/** How a connection ended that is not HTTP. */
export interface RelayEnd {
  readonly connection: Connection;
  readonly cluster: MeshCluster | undefined;
  readonly endpoint: Endpoint | undefined;
  readonly flags: readonly ResponseFlag[];
  readonly cause: string | undefined;
  /** From the client. */
  readonly received: number;
  readonly sent: number;
  /** In milliseconds. */
  readonly duration: number;
}

export interface RelayTelemetry {
  onOpen(connection: Connection, cluster: MeshCluster | undefined): void;
  onClose(end: RelayEnd): void;
}

/** Relay a connection to a cluster. A circuit breaker that is open, or no endpoint, closes it. */
export function relay(
  context: ProxyContext,
  connection: Connection,
  cluster: MeshCluster,
  telemetry: RelayTelemetry,
): void {
  context.stats.downstreamProtocol('tcp');
  const place = cluster.limits.enter(false, () => new AbortController().signal);
  // One that does not connect never waits for a connection: see Limits.
  if (place === undefined || place instanceof Promise)
    return refuseConnection(
      connection,
      telemetry,
      'UO',
      `${cluster.name} has as much under way as its circuit breaker allows`,
    );
  const endpoint = cluster.pick({ downstream: connection, tried: [] });
  if (endpoint === undefined) {
    place.leave();
    return refuseConnection(connection, telemetry, 'UH', `${cluster.name} has no healthy endpoint`);
  }
  const watched = new Watched(cluster);
  const startedAt = performance.now();
  telemetry.onOpen(connection, cluster);
  const { socket } = connection;
  socket.once('close', () => {
    place.leave();
    const failed = watched.failure !== undefined;
    telemetry.onClose({
      connection,
      cluster,
      endpoint,
      flags: failed ? ['UF'] : [],
      cause: failed ? `connecting to ${endpoint.authority} failed: ${watched.failure}` : undefined,
      received: socket.bytesRead,
      sent: socket.bytesWritten,
      duration: performance.now() - startedAt,
    });
  });
  new Tunnel(context, socket, { cluster: watched, endpoint });
}

/** Close a connection, and say why. */
export function refuseConnection(
  connection: Connection,
  telemetry: RelayTelemetry,
  flag: ResponseFlag,
  cause: string,
): void {
  telemetry.onClose({
    connection,
    cluster: undefined,
    endpoint: undefined,
    flags: [flag],
    cause,
    received: 0,
    sent: 0,
    duration: 0,
  });
  // What the client sent and nobody reads makes the system answer with a reset, which tells it at once.
  connection.socket.destroy();
}

/** A cluster that remembers whether it could be connected to. */
class Watched implements Cluster {
  failure: string | undefined;
  readonly connectTimeout: number;
  readonly #cluster: MeshCluster;

  constructor(cluster: MeshCluster) {
    this.#cluster = cluster;
    this.connectTimeout = cluster.connectTimeout;
  }
  pick(): undefined {
    return undefined;
  }
  onConnect(endpoint: Endpoint): void {
    this.#cluster.onConnect(endpoint);
  }
  onConnectFailure(endpoint: Endpoint, reason: string): void {
    this.failure = reason;
    this.#cluster.onConnectFailure(endpoint);
  }
}

/** What the application connects to: redirected here, whatever it is. */
import type { ProxyContext } from '#proxy/exchange/context.ts';
import type { DownstreamHandler, DownstreamInfo } from '#proxy/sockets/connection.ts';
import type { MeshCluster } from '../cluster/cluster.ts';
import type { CompiledListener } from '../compile/listener.ts';
import type { Snapshot } from '../compile/snapshot.ts';
import { OPAQUE_PORTS, type DetectedProtocol } from '../detect/protocol.ts';
import type { OriginalDestination } from '../destination/original.ts';
import type { Destination } from '../destination/sockaddr.ts';
import { Connection } from '../stream-info/connection.ts';
import { FirstBytes, SILENCE } from './first-bytes.ts';
import type { Passthrough } from '../destination/passthrough.ts';
import type { RelayTelemetry } from '../stream-info/telemetry.ts';
import { refuseConnection, relay } from './relay.ts';
import { serveHttp } from './serve.ts';

export interface OutboundOptions {
  readonly snapshot: () => Snapshot;
  readonly originalDestination: OriginalDestination;
  readonly passthrough: Passthrough;
  readonly telemetry: RelayTelemetry;
  /** A destination that is the proxy itself: who connects to it would go round in circles. */
  readonly isProxy: (destination: Destination) => boolean;
}

export class Outbound {
  readonly #options: OutboundOptions;

  constructor(options: OutboundOptions) {
    this.#options = options;
  }

  /** For PlainListener. @returns undefined to close the connection */
  accept(context: ProxyContext, { socket }: DownstreamInfo): DownstreamHandler | undefined {
    const { originalDestination, isProxy, snapshot } = this.#options;
    const destination = originalDestination(socket);
    if (isProxy(destination)) return undefined;
    const listener = snapshot().listener(destination.address, destination.port);
    const anywhere = snapshot().configuration.outbound.unknown === 'ALLOW_ANY';
    const opaque =
      listener === undefined
        ? (anywhere && snapshot().member(destination) === undefined) || OPAQUE_PORTS.has(destination.port)
        : listener.protocol === 'tcp' || (listener.protocol === 'auto' && OPAQUE_PORTS.has(destination.port));
    return new FirstBytes(context, socket, {
      // Where nothing but HTTP is spoken, silence is no answer: the client is slow. A host outside may speak first there.
      patience: opaque
        ? 0
        : listener?.protocol === 'http' && (!anywhere || snapshot().isKnown(destination))
          ? context.settings.headerTimeout
          : SILENCE,
      onDetected: (spoken) =>
        this.#serve(
          context,
          new Connection(socket, {
            destination,
            listener: this.#listenerOf(destination),
            protocol: !opaque && (spoken.protocol === 'http/1.1' || spoken.protocol === 'h2') ? spoken.protocol : 'tcp',
          }),
          spoken,
        ),
    });
  }

  /** What a destination is known as in the configuration in use: looked up once for each. */
  #listenerOf({ address, port }: Destination): () => CompiledListener | undefined {
    const { snapshot } = this.#options;
    let seen: Snapshot | undefined;
    let listener: CompiledListener | undefined;
    return () => {
      const current = snapshot();
      if (current !== seen) {
        seen = current;
        listener = current.listener(address, port);
      }
      return listener;
    };
  }

  #serve(context: ProxyContext, connection: Connection, spoken: DetectedProtocol): void {
    const { listener, destination } = connection;
    const { telemetry } = this.#options;
    const http = connection.protocol !== 'tcp';
    // An unknown destination gets its answer, or its cause, in HTTP where that is what is spoken.
    if (http && (listener === undefined || listener.protocol !== 'tcp')) {
      serveHttp(context, connection);
      return;
    }
    const cluster = this.#clusterOf(listener, destination);
    if (cluster !== undefined) return relay(context, connection, cluster, telemetry);
    const name = spoken.protocol === 'tls' && spoken.serverName !== undefined ? spoken.serverName : destination.address;
    refuseConnection(
      context,
      connection,
      telemetry,
      'NR',
      `${name} on port ${destination.port} is not known to the mesh, and only what is known is let out (REGISTRY_ONLY)`,
    );
  }

  #clusterOf(listener: CompiledListener | undefined, destination: Destination): MeshCluster | undefined {
    if (listener?.tcp !== undefined) return listener.tcp.pick(Math.random());
    const { snapshot, passthrough } = this.#options;
    if (snapshot().configuration.outbound.unknown !== 'ALLOW_ANY') return undefined;
    return passthrough.to(destination, snapshot().member(destination));
  }
}

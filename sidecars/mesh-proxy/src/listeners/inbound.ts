/** What others send to the application: redirected here, by mTLS or in the clear. */
import type { TLSSocket } from 'node:tls';
import type { Socket } from 'node:net';
import type { ProxyContext } from '#proxy/exchange/context.ts';
import { internalError } from '#proxy/upstream/context.ts';
import type { DownstreamHandler, DownstreamInfo } from '#proxy/sockets/connection.ts';
import type { MultiplexedConnections } from '#proxy/downstream/plain-listener.ts';
import { MESH_CARRIER, type Protocol } from '../cluster/host.ts';
import type { CompiledPort } from '../compile/listener.ts';
import type { Snapshot } from '../compile/snapshot.ts';
import { CLIENT_FIRST_PORTS, OPAQUE_PORTS, type DetectedProtocol } from '../detect/protocol.ts';
import type { OriginalDestination } from '../destination/original.ts';
import type { Destination } from '../destination/sockaddr.ts';
import { CarrierDownstream } from '#proxy/multiplexed/downstream.ts';
import { MESH_ALPN, MESH_TCP_ACK } from '../security/contexts.ts';
import type { MeshServer } from '../security/mesh-server.ts';
import type { Peer } from '../security/peer.ts';
import { PeerVersions } from '../security/peer-version.ts';
import { PLAINTEXT_REFUSED } from '../filters/authorise.ts';
import type { Application } from '../destination/application.ts';
import { Connection, type ConnectionOptions } from '../stream-info/connection.ts';
import { FirstBytes, SILENCE } from './first-bytes.ts';
import type { RelayTelemetry } from '../stream-info/telemetry.ts';
import { refuseConnection, relay } from './relay.ts';
import { serveHttp } from './serve.ts';

/** How long a hello may take where nothing else is let in, in milliseconds. */
const HELLO_TIMEOUT = 5000;
/**
 * How long silence is waited for where a hello may come or not, in milliseconds. Longer than elsewhere: a hello of a busy
 * caller that comes later than this is passed on to the application, and the connection is lost.
 */
const HELLO_OR_SILENCE = 10 * SILENCE;

export interface InboundOptions {
  readonly snapshot: () => Snapshot;
  readonly originalDestination: OriginalDestination;
  /** Where the application is. */
  readonly application: Application;
  readonly mesh: MeshServer;
  readonly telemetry: RelayTelemetry;
  readonly isProxy: (destination: Destination) => boolean;
  /** Whether an address is one of the pod's that others may connect to. */
  readonly takesFromOthers: (address: string) => boolean;
  /** A connection was refused before a request of it was read. @param reason for a metric */
  readonly onRefused: (reason: string) => void;
}

export class Inbound {
  readonly #options: InboundOptions;
  readonly #versions = new PeerVersions();

  constructor(options: InboundOptions) {
    this.#options = options;
  }

  /** For PlainListener. @returns undefined to close the connection */
  accept(
    context: ProxyContext,
    { socket }: DownstreamInfo,
    multiplexed: MultiplexedConnections,
  ): DownstreamHandler | undefined {
    const { originalDestination, isProxy, snapshot, takesFromOthers } = this.#options;
    const destination = originalDestination(socket);
    if (isProxy(destination)) return undefined;
    if (!takesFromOthers(destination.address)) {
      this.#refused(socket, destination, 'destination', `${destination.address} is no address of this pod for others`);
      return undefined;
    }
    const port = snapshot().port(destination.port);
    const first: FirstBytes = new FirstBytes(context, socket, {
      patience: patienceOf(port, destination, context.settings.headerTimeout),
      onDetected: (spoken, bytes) => {
        const alpn = spoken.protocol === 'tls' ? spoken.alpn : [];
        if (!alpn.some((name) => MESH.has(name)) || port.mtls === 'DISABLE') {
          return this.#servePlain(context, socket, destination, port, spoken);
        }
        this.#options.mesh.take(socket, bytes, {
          onSecure: (secure, peer) => {
            first.inner = secure;
            this.#serveSecure(context, secure, destination, multiplexed, { ...peer, version: this.#versions.of(alpn) });
          },
          onRefused: (reason) => this.#refused(socket, destination, 'mtls_handshake', reason),
        });
        return true;
      },
    });
    return first;
  }

  /** @returns whether the connection needs nobody else */
  #servePlain(
    context: ProxyContext,
    socket: Socket,
    destination: Destination,
    port: CompiledPort,
    spoken: DetectedProtocol,
  ): boolean {
    const http = spoken.protocol === 'http/1.1' || spoken.protocol === 'h2';
    if (port.mtls === 'STRICT') {
      if (http) {
        // Each request is told why, in its protocol.
        this.#options.onRefused('plaintext');
        serveHttp(context, this.#connection(socket, { destination, protocol: spoken.protocol as Protocol }));
        return false;
      }
      this.#refused(socket, destination, 'plaintext', PLAINTEXT_REFUSED);
      socket.destroy();
      return true;
    }
    this.#serve(context, this.#connection(socket, { destination, protocol: protocolOf(port, destination, spoken) }));
    return false;
  }

  #connection(socket: Socket, options: Omit<ConnectionOptions, 'port'>): Connection {
    return new Connection(socket, { ...options, port: () => this.#options.snapshot().port(options.destination.port) });
  }

  #serveSecure(
    context: ProxyContext,
    socket: TLSSocket,
    destination: Destination,
    multiplexed: MultiplexedConnections,
    peer: Peer,
  ): void {
    try {
      if (socket.alpnProtocol === MESH_CARRIER) {
        const { session } = new CarrierDownstream(context, socket, multiplexed, (each) =>
          serveHttp(context, this.#connection(each, { destination, protocol: 'http/1.1', peer })),
        );
        if (context.draining) session.drain();
        return;
      }
      const protocol = PROTOCOL_OF[String(socket.alpnProtocol)] ?? 'tcp';
      const answers = socket.alpnProtocol === MESH_TCP_ACK;
      this.#serve(context, this.#connection(socket, { destination, protocol, peer, answers }));
    } catch (error) {
      internalError(context, error);
      socket.destroy();
    }
  }

  #serve(context: ProxyContext, connection: Connection): void {
    const { application, snapshot, telemetry } = this.#options;
    if (connection.protocol !== 'tcp') {
      serveHttp(context, connection);
      return;
    }
    const { peer, destination } = connection;
    const refusal =
      connection.port?.protocol === 'http'
        ? 'the port carries HTTP alone'
        : snapshot().authorizer.check({
            identity: peer?.id.text,
            address: connection.remoteAddress,
            port: destination.port,
            http: undefined,
          });
    if (refusal === undefined) return relay(context, connection, application.to(destination), telemetry);
    const who = peer?.id.text ?? 'a caller without an identity';
    refuseConnection(
      context,
      connection,
      telemetry,
      'UAEX',
      `a connection to port ${destination.port} from ${who} is refused: ${refusal}`,
    );
  }

  /** Count and write down a connection that is refused. */
  #refused(socket: Socket, destination: Destination, label: string, reason: string): void {
    this.#options.onRefused(label);
    const connection = this.#connection(socket, { destination, protocol: 'tcp' });
    this.#options.telemetry.onClose({
      connection,
      cluster: undefined,
      endpoint: undefined,
      flags: ['UAEX'],
      cause: `a connection from ${connection.remoteAddress} is refused: ${reason}`,
      retries: 0,
      received: socket.bytesRead,
      sent: socket.bytesWritten,
      duration: 0,
    });
  }
}

/** How long silence is waited for, in milliseconds. @param slow what a client that must speak may take */
function patienceOf(port: CompiledPort, destination: Destination, slow: number): number {
  if (port.mtls === 'STRICT') return HELLO_TIMEOUT;
  if (port.protocol === 'http') return slow;
  if (port.mtls === 'PERMISSIVE') return CLIENT_FIRST_PORTS.has(destination.port) ? HELLO_TIMEOUT : HELLO_OR_SILENCE;
  return isOpaque(port, destination) ? 0 : SILENCE;
}

/**
 * What is spoken with a caller in the clear. On a port of HTTP whatever is no HTTP/2 is read, and refused, as HTTP/1:
 * passed on as it is it could be a request to the application, with fields that only this proxy may write.
 */
function protocolOf(port: CompiledPort, destination: Destination, { protocol }: DetectedProtocol): Protocol {
  if (port.protocol === 'http') return protocol === 'h2' ? 'h2' : 'http/1.1';
  const http = protocol === 'http/1.1' || protocol === 'h2';
  return http && !isOpaque(port, destination) ? protocol : 'tcp';
}

function isOpaque({ protocol }: CompiledPort, { port }: Destination): boolean {
  return protocol === 'tcp' || (protocol === 'auto' && OPAQUE_PORTS.has(port));
}

const MESH: ReadonlySet<string> = new Set([...Object.values(MESH_ALPN), MESH_TCP_ACK, MESH_CARRIER]);
const PROTOCOL_OF: Readonly<Record<string, Protocol>> = Object.fromEntries(
  (Object.keys(MESH_ALPN) as Protocol[]).map((protocol) => [MESH_ALPN[protocol], protocol]),
);

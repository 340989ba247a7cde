/** A connection of the application's, or to it: what filters and clusters know of it besides its socket. */
import type { Socket } from 'node:net';
import { DownstreamInfo } from '#proxy/sockets/connection.ts';
import type { Protocol } from '../cluster/host.ts';
import type { CompiledListener, CompiledPort } from '../compile/listener.ts';
import type { Destination } from '../destination/sockaddr.ts';
import type { Peer } from '../security/peer.ts';

export interface ConnectionOptions {
  readonly destination: Destination;
  readonly protocol: Protocol;
  /** Outbound: what the destination is known as now; undefined for an unknown one. */
  readonly listener?: () => CompiledListener | undefined;
  /** Inbound: what is said of the port now. */
  readonly port?: () => CompiledPort;
  /** Inbound: who called, where it is known by mTLS. */
  readonly peer?: Peer | undefined;
  /** Inbound: the caller's proxy is to be told whether the application took the connection (acceptance.ts). */
  readonly answers?: boolean;
}

export class Connection extends DownstreamInfo {
  readonly destination: Destination;
  readonly protocol: Protocol;
  readonly peer: Peer | undefined;
  readonly answers: boolean;
  readonly #listener: ConnectionOptions['listener'];
  readonly #port: ConnectionOptions['port'];

  constructor(socket: Socket, options: ConnectionOptions) {
    super(socket, options.peer?.xfcc);
    this.destination = options.destination;
    this.protocol = options.protocol;
    this.peer = options.peer;
    this.answers = options.answers === true;
    this.#listener = options.listener;
    this.#port = options.port;
  }

  /** Asked for at each request: a connection that is kept open must not outlive what it was opened under. */
  get listener(): CompiledListener | undefined {
    return this.#listener?.();
  }

  get port(): CompiledPort | undefined {
    return this.#port?.();
  }
}

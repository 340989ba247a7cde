/** A connection of the application's, or to it: what filters and clusters know of it besides its socket. */
import type { Socket } from 'node:net';
import { DownstreamInfo } from '#proxy/downstream/connection.ts';
import type { Protocol } from '../cluster/host.ts';
import type { CompiledListener, CompiledPort } from '../compile/listener.ts';
import type { Destination } from '../destination/sockaddr.ts';
import type { Peer } from '../security/peer.ts';

export interface ConnectionOptions {
  readonly destination: Destination;
  readonly protocol: Protocol;
  /** Outbound: what the destination is known as; undefined for an unknown one. */
  readonly listener?: CompiledListener | undefined;
  /** Inbound: what is said of the port. */
  readonly port?: CompiledPort | undefined;
  /** Inbound: who called, where it is known by mTLS. */
  readonly peer?: Peer | undefined;
  /** Inbound: why nothing on it is let in; the end of a sentence. */
  readonly refusal?: string;
}

export class Connection extends DownstreamInfo {
  readonly destination: Destination;
  readonly protocol: Protocol;
  readonly listener: CompiledListener | undefined;
  readonly port: CompiledPort | undefined;
  readonly peer: Peer | undefined;
  readonly refusal: string | undefined;

  constructor(socket: Socket, options: ConnectionOptions) {
    super(socket, options.peer?.xfcc);
    this.destination = options.destination;
    this.protocol = options.protocol;
    this.listener = options.listener;
    this.port = options.port;
    this.peer = options.peer;
    this.refusal = options.refusal;
  }
}

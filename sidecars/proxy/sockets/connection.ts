/** A client's connection, whatever is spoken on it. */
import type { Duplex } from 'node:stream';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Swept } from '#proxy/loop/sweeper.ts';
import { readDirectly } from './reads.ts';

/** How long a closed connection's last bytes are waited for, in milliseconds. */
export const LINGER = 2000;

/** Who a client is: what filters and clusters may know of a connection. */
export class DownstreamInfo {
  readonly socket: Socket;
  /** IP address, without zone. */
  readonly remoteAddress: string;
  /** An X-Forwarded-Client-Cert element; '' when the client was not verified. */
  readonly clientCertificate: string;

  constructor(socket: Socket, clientCertificate = '') {
    this.socket = socket;
    this.remoteAddress = plainAddress(socket.remoteAddress);
    this.clientCertificate = clientCertificate;
  }

  /** The connection is TLS. */
  get secure(): boolean {
    return this.socket instanceof TLSSocket;
  }
}

/** Who speaks with the client at the moment; it changes when a request becomes a tunnel. */
export interface DownstreamHandler extends Swept {
  onClientData(chunk: Buffer): void;
  /** The client sends nothing more. */
  onClientEnd(): void;
  onClientDrain(): void;
  /** The connection is gone. */
  onClientClose(): void;
  /** One of the above threw. It must not throw itself. */
  onInternalError(error: unknown): void;
  /** The end has begun: finish what was begun, then close. */
  drain(): void;
  /** End at once. */
  destroy(): void;
}

const HANDLER = Symbol('handler');
type Handled = Duplex & { [HANDLER]?: DownstreamHandler };

// One set of functions for all connections: closures for each would make handshakes dearer. They are
// the boundary of a connection: whatever throws behind them ends it, and nothing else.
function onData(this: Handled, chunk: Buffer): void {
  const handler = this[HANDLER]!;
  try {
    handler.onClientData(chunk);
  } catch (error) {
    handler.onInternalError(error);
  }
}
function onEnd(this: Handled): void {
  const handler = this[HANDLER]!;
  try {
    handler.onClientEnd();
  } catch (error) {
    handler.onInternalError(error);
  }
}
function onDrain(this: Handled): void {
  const handler = this[HANDLER]!;
  try {
    handler.onClientDrain();
  } catch (error) {
    handler.onInternalError(error);
  }
}
function onClose(this: Handled): void {
  const handler = this[HANDLER]!;
  try {
    handler.onClientClose();
  } catch (error) {
    handler.onInternalError(error);
  }
}

/** Let a handler have a connection's events. */
export function handle(socket: Duplex, handler: DownstreamHandler): void {
  const handled: Handled = socket;
  const first = handled[HANDLER] === undefined;
  handled[HANDLER] = handler;
  if (!first) return;
  socket.on('end', onEnd);
  socket.on('drain', onDrain);
  socket.on('close', onClose);
  socket.on('data', onData);
}

/**
 * Let a handler that reads many small pieces have a connection's events: cheaper for each piece, and copied once.
 * What the connection becomes later is read in the same way.
 */
export function handleDirectly(socket: Duplex, handler: DownstreamHandler): void {
  handle(socket, handler);
  readDirectly(socket, onData.bind(socket as Handled));
}

/** The handler of a connection; undefined before its handshake has ended. */
export function handlerOf(socket: Duplex): DownstreamHandler | undefined {
  return (socket as Handled)[HANDLER];
}

/** An IP address without its zone, and without the prefix that an IPv6 socket gives an IPv4 peer. */
export function plainAddress(socketAddress: string | undefined): string {
  if (socketAddress === undefined) return 'unknown';
  const address = socketAddress.split('%', 1)[0]!;
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}

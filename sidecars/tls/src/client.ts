/** A client's connection, whatever is spoken on it. */
import type { Duplex } from 'node:stream';
import type { Swept } from './sweeper.ts';

/** Who speaks with the client at the moment; it changes when a request becomes a tunnel. */
export interface ClientHandler extends Swept {
  onClientData(chunk: Buffer): void;
  /** The client sends nothing more. */
  onClientEnd(): void;
  onClientDrain(): void;
  /** The connection is gone. */
  onClientClose(): void;
  /** The end has begun: finish what was begun, then close. */
  drain(): void;
  /** End at once. */
  destroy(): void;
}

const HANDLER = Symbol('handler');
type Handled = Duplex & { [HANDLER]?: ClientHandler };

// One set of functions for all connections: closures for each would make handshakes dearer.
function onData(this: Handled, chunk: Buffer): void {
  this[HANDLER]!.onClientData(chunk);
}
function onEnd(this: Handled): void {
  this[HANDLER]!.onClientEnd();
}
function onDrain(this: Handled): void {
  this[HANDLER]!.onClientDrain();
}
function onClose(this: Handled): void {
  this[HANDLER]!.onClientClose();
}

/** Let a handler have a connection's events. */
export function handle(socket: Duplex, handler: ClientHandler): void {
  const handled: Handled = socket;
  const first = handled[HANDLER] === undefined;
  handled[HANDLER] = handler;
  if (!first) return;
  socket.on('end', onEnd);
  socket.on('drain', onDrain);
  socket.on('close', onClose);
  socket.on('data', onData);
}

/** The handler of a connection; undefined before its handshake has ended. */
export function handlerOf(socket: Duplex): ClientHandler | undefined {
  return (socket as Handled)[HANDLER];
}

/** An IP address without its zone, and without the prefix that an IPv6 socket gives an IPv4 peer. */
export function plainAddress(socketAddress: string | undefined): string {
  if (socketAddress === undefined) return 'unknown';
  const address = socketAddress.split('%', 1)[0]!;
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}

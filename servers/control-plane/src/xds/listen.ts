/** gRPC servers on their ports. */
import { createServer, type AddressInfo, type Server as NetServer, type Socket } from 'node:net';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { listen } from '#kit/net/listen.ts';
import type { Discovery } from './server.ts';
import { SharedRoom } from './share.ts';

/** What a client may send at once; requests name resources, and hold none. */
const MAX_REQUEST = 4 * 1024 * 1024;

/** Milliseconds that a connection may be open without a stream. */
const IDLE = 30_000;

export interface ListenOptions {
  readonly host: string;
  /** 0 for a free one. */
  readonly port: number;
  /** That holds the port, for the error. */
  readonly parameter: string;
  /** Connections that may be open; those of one address give way to those of others. */
  readonly connections: number;
}

export interface GrpcListener {
  readonly server: Server;
  readonly listener: NetServer;
  /** That it has. */
  readonly port: number;
}

/**
 * Serve discovery.
 * @throws {ConfigurationError} when the port cannot be had
 */
export async function listenGrpc(
  discovery: Discovery,
  { host, port, parameter, connections }: ListenOptions,
  credentials: ServerCredentials,
): Promise<GrpcListener> {
  const server = new Server({
    'grpc.max_receive_message_length': MAX_REQUEST,
    // A client that vanished without a word is noticed, and its stream ends.
    'grpc.keepalive_time_ms': 30_000,
    'grpc.keepalive_timeout_ms': 20_000,
    'grpc.max_concurrent_streams': 100,
    // A connection without a stream is of no use to anybody.
    'grpc.max_connection_idle_ms': IDLE,
  });
  discovery.serve(server);
  const injector = server.createConnectionInjector(credentials);
  const room = new SharedRoom<Socket>(connections);
  const listener = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    const { admitted, leaving } = room.admit(socket, socket.remoteAddress ?? '');
    leaving?.destroy();
    if (!admitted) {
      socket.destroy();
      return;
    }
    socket.once('close', () => room.delete(socket));
    injector.injectConnection(socket);
  });
  await listen(listener, { host, port }, parameter);
  return { server, listener, port: (listener.address() as AddressInfo).port };
}

/** Stop taking streams, and end those that are open. */
export async function closeGrpc({ server, listener }: GrpcListener): Promise<void> {
  listener.close();
  const { promise, resolve } = Promise.withResolvers<void>();
  server.tryShutdown(() => resolve());
  const forced = setTimeout(() => server.forceShutdown(), 1000);
  await promise;
  clearTimeout(forced);
}

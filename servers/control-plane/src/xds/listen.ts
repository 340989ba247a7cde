/** gRPC servers on their ports. */
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { ConfigurationError } from '#kit/contract/parameters.ts';
import type { Discovery } from './server.ts';

/** What a client may send at once; requests name resources, and hold none. */
const MAX_REQUEST = 4 * 1024 * 1024;

/**
 * Serve discovery.
 * @param parameter that holds the port, for the error
 * @returns the server, and the port that it has
 * @throws {ConfigurationError} when the port cannot be had
 */
export async function listenGrpc(
  discovery: Discovery,
  address: string,
  port: number,
  credentials: ServerCredentials,
  parameter: string,
): Promise<{ server: Server; port: number }> {
  const server = new Server({
    'grpc.max_receive_message_length': MAX_REQUEST,
    // A client that vanished without a word is noticed, and its stream ends.
    'grpc.keepalive_time_ms': 30_000,
    'grpc.keepalive_timeout_ms': 20_000,
    'grpc.max_concurrent_streams': 100,
  });
  discovery.serve(server);
  const host = address.includes(':') ? `[${address}]` : address;
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.bindAsync(`${host}:${port}`, credentials, (error, bound) => {
    if (!error) return resolve(bound);
    const message = `${parameter}: ${host}:${port} cannot be bound: ${error.message}`;
    reject(new ConfigurationError([{ parameter, reason: 'conflict', message }]));
  });
  return { server, port: await promise };
}

/** Stop taking streams, and end those that are open. */
export async function closeGrpc(server: Server): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.tryShutdown(() => resolve());
  const forced = setTimeout(() => server.forceShutdown(), 1000);
  await promise;
  clearTimeout(forced);
}

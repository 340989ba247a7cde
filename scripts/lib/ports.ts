/** Ports of this machine's loopback address. */
import { createServer, type Server } from 'node:net';

export interface HeldPorts {
  readonly ports: readonly number[];
  /** Give them up, for the engine to take. */
  release(): Promise<void>;
}

/**
 * Take free ports on 127.0.0.1 and hold them, so that nobody else is handed the same before the
 * engine publishes them.
 * @param count how many
 */
export async function holdFreePorts(count: number): Promise<HeldPorts> {
  const servers = await Promise.all(Array.from({ length: count }, listen));
  return {
    ports: servers.map((server) => (server.address() as { port: number }).port),
    release: async () => {
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    },
  };
}

function listen(): Promise<Server> {
  const { promise, resolve, reject } = Promise.withResolvers<Server>();
  const server = createServer((socket) => socket.destroy());
  server.once('error', reject);
  server.listen(0, '127.0.0.1', () => resolve(server));
  return promise;
}

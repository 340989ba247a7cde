import { once } from 'node:events';
import type { Server } from 'node:net';

/** Resolves when a server listens; rejects when it cannot. */
export async function listening(server: Server, port: number, address = '0.0.0.0'): Promise<void> {
  server.listen(port, address);
  await once(server, 'listening');
}

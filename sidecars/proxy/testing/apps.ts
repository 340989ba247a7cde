/** Applications behind a proxy under test. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Socket } from 'node:net';
import { listening } from '#kit/testing/server.ts';

/** An application that answers with what it was asked. */
export function echo(incoming: IncomingMessage, response: ServerResponse): void {
  let body = '';
  incoming.setEncoding('latin1');
  incoming.on('data', (chunk: string) => (body += chunk));
  incoming.on('end', () => {
    const { method, url, headers, trailers, httpVersion: version } = incoming;
    response.end(JSON.stringify({ method, url, headers, body, trailers, version }));
  });
}

/** An application that does with each connection what it is told. */
export async function rawApp(
  onConnection: (socket: Socket) => void,
): Promise<{ port: number; connections: () => number; open: () => number; close: () => void }> {
  let connections = 0;
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    connections++;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    onConnection(socket);
  });
  const port = await listening(server);
  return {
    port,
    connections: () => connections,
    open: () => sockets.size,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

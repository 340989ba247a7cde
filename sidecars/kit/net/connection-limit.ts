/**
 * A bound on the connections of an HTTP server that does not shut out newcomers. `server.maxConnections` refuses the
 * newest connection, so that a neighbour who holds all of them idle keeps health checks and scrapers out.
 */
import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

interface Connection {
  readonly socket: Socket;
  readonly address: string;
  /** Requests on it that are not answered yet. */
  requests: number;
}

/**
 * Bound a server's connections. When all are taken, a newcomer ends one of the address that has most: one without a
 * request, as far as there is one, and of those the one that was used longest ago.
 * @param server of HTTP or HTTPS, before it listens
 * @param most connections at a time
 */
export function limitConnections(server: Server, most: number): void {
  /** By the peer's address and port; the one used longest ago comes first. */
  const connections = new Map<string, Connection>();
  server.on('connection', (socket: Socket) => {
    const key = keyOf(socket);
    const address = socket.remoteAddress ?? '';
    if (connections.size >= most) victimOf(connections, address).destroy();
    connections.set(key, { socket, address, requests: 0 });
    socket.once('close', () => {
      if (connections.get(key)?.socket === socket) connections.delete(key);
    });
  });
  server.on('request', ({ socket }, response: ServerResponse) => {
    // Under TLS it is another socket of the same connection.
    const key = keyOf(socket);
    const connection = connections.get(key);
    if (connection === undefined) return;
    connection.requests += 1;
    response.once('close', () => {
      connection.requests -= 1;
      if (connections.get(key) !== connection) return;
      connections.delete(key);
      connections.set(key, connection);
    });
  });
}

/** The connection that ends for a newcomer; it is no longer counted. */
function victimOf(connections: Map<string, Connection>, newcomer: string): Socket {
  const counts = new Map([[newcomer, 1]]);
  for (const { address } of connections.values()) counts.set(address, (counts.get(address) ?? 0) + 1);
  const most = Math.max(...[...connections.values()].map(({ address }) => counts.get(address)!));
  const candidates = [...connections].filter(([, { address }]) => counts.get(address) === most);
  const [key, { socket }] = candidates.find(([, { requests }]) => requests === 0) ?? candidates[0]!;
  connections.delete(key);
  return socket;
}

const keyOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress ?? ''} ${remotePort ?? ''}`;

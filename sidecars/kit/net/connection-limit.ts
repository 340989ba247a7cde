/**
 * A bound on the connections of an HTTP server that does not shut out newcomers, and on the requests that one may have
 * under way. `server.maxConnections` refuses the newest connection, so that a neighbour who holds all of them idle keeps
 * health checks and scrapers out; and Node works on all pipelined requests that came in one read before it looks at
 * another connection. Answers that wait for others of the same connection to be read would fill memory: requests of a connection
 * are worked on one after the other.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { limitPieces } from './piece-limit.ts';

interface Connection {
  readonly socket: Socket;
  readonly address: string;
  /** Requests on it that are not answered yet. */
  requests: number;
  /** Those of them that wait for the answer to the one before: what nobody reads is made once, and not for each. */
  readonly waiting: (() => void)[];
}

/** Enough for what asks a page or a probe. */
const PIPELINED = 4;

/**
 * Bound a server's connections and their requests, and the pieces of a body. When all are taken, a newcomer ends one of the address that has most: one
 * without a request, as far as there is one, and of those the one that was used longest ago.
 * @param server of HTTP or HTTPS, before it listens; its handlers of requests are there already
 * @param most connections at a time
 * @param pipelined requests of a connection that may be under way; one that pipelines more is closed
 */
export function limitConnections(server: Server, most: number, pipelined = PIPELINED): void {
  /** By the peer's address and port; the one used longest ago comes first. */
  const connections = new Map<string, Connection>();
  server.on('connection', (socket: Socket) => {
    const key = keyOf(socket);
    const address = socket.remoteAddress ?? '';
    if (connections.size >= most) victimOf(connections, address).destroy();
    connections.set(key, { socket, address, requests: 0, waiting: [] });
    socket.once('close', () => {
      if (connections.get(key)?.socket === socket) connections.delete(key);
    });
  });
  const handlers = server.listeners('request') as ((request: IncomingMessage, response: ServerResponse) => void)[];
  server.removeAllListeners('request').on('request', (request: IncomingMessage, response: ServerResponse) => {
    // Under TLS it is another socket of the same connection.
    const key = keyOf(request.socket);
    const connection = connections.get(key);
    // It was ended, and what it had sent before is still read.
    if (connection === undefined) return;
    if (connection.requests >= pipelined) {
      connections.delete(key);
      connection.socket.destroy();
      return;
    }
    connection.requests += 1;
    limitPieces(request);
    response.once('close', () => {
      connection.requests -= 1;
      if (connections.get(key) !== connection) return;
      connections.delete(key);
      connections.set(key, connection);
      connection.waiting.shift()?.();
    });
    const handle = (): void => {
      for (const handler of handlers) handler.call(server, request, response);
    };
    if (connection.requests === 1) handle();
    else connection.waiting.push(handle);
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

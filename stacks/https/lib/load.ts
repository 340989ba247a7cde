/** Clients that ask again and again over connections that they keep, and count every answer. */
import { Agent } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { fetchPage } from './client.ts';

export interface LoadReport {
  readonly answered: number;
  /** Answers by status. */
  readonly statuses: ReadonlyMap<number, number>;
  /** Requests that were sent and got no whole answer. */
  readonly lost: readonly string[];
  /** Connections that were made; as many as clients where none was ever closed on them. */
  readonly connections: number;
  /** Attempts that ended before a connection and its handshake were there: no request had begun. */
  readonly refused: number;
}

export interface Load {
  /** Answers so far. */
  answered(): number;
  /** End each client after its current request, and report. */
  stop(): Promise<LoadReport>;
}

/**
 * Start a load that goes on until it is stopped.
 * @param url what to ask for
 * @param ca the CA to trust
 * @param clients how many at a time, each with one connection
 */
export function startLoad(url: string, ca: string, clients: number): Load {
  const agent = new Agent({ keepAlive: true, maxSockets: clients, ca });
  const statuses = new Map<number, number>();
  const lost: string[] = [];
  let answered = 0;
  let refused = 0;
  const sockets = new WeakSet<TLSSocket>();
  let connections = 0;
  let stopping = false;

  const client = async (): Promise<void> => {
    while (!stopping) {
      // Remembered while it lives: a socket that was cut off no longer knows its protocol.
      let secure = false;
      const onSocket = (socket: TLSSocket): void => {
        if (!sockets.has(socket)) connections += 1;
        sockets.add(socket);
        secure = socket.authorized;
        socket.once('secureConnect', () => (secure = true));
      };
      try {
        const { status } = await fetchPage(url, { agent, onSocket });
        answered += 1;
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      } catch (error) {
        // A published port accepts for a container that does not listen, and resets: a handshake tells.
        if (!secure) {
          refused += 1;
          // Nobody listens: asking at once again would only spin.
          await new Promise(setImmediate);
        } else lost.push(`${(error as NodeJS.ErrnoException).code ?? ''} ${(error as Error).message}`);
      }
    }
  };
  const all = Promise.all(Array.from({ length: clients }, client));
  return {
    answered: () => answered,
    stop: async () => {
      stopping = true;
      await all;
      agent.destroy();
      return { answered, statuses, lost, connections, refused };
    },
  };
}

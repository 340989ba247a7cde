/** Clients that ask again and again over connections that they keep, and count every answer. */
import { Agent } from 'node:https';
import { fetchPage } from './client.ts';

export interface LoadReport {
  readonly answered: number;
  /** Answers by status. */
  readonly statuses: ReadonlyMap<number, number>;
  /** Requests that were sent and got no whole answer. */
  readonly lost: readonly string[];
  /** Requests that found nobody to connect to: they had not begun. */
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
  let stopping = false;

  const client = async (): Promise<void> => {
    while (!stopping) {
      try {
        const { status } = await fetchPage(url, { agent });
        answered += 1;
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      } catch (error) {
        const { code, syscall, message } = error as NodeJS.ErrnoException;
        if (code === 'ECONNREFUSED' || (code === 'ECONNRESET' && syscall === 'connect') || /before secure TLS connection was established/.test(message)) {
          refused += 1;
          // Nobody listens: asking at once again would only spin.
          await new Promise(setImmediate);
        } else lost.push(`${code ?? ''} ${message}`);
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
      return { answered, statuses, lost, refused };
    },
  };
}

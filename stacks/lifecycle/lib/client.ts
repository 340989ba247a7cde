/** What a client of the stack gets, once or all the time. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { setTimeout as pause } from 'node:timers/promises';
import type { Project } from '../../../scripts/lib/compose.ts';

/** The certificate that the init container made; it signs itself. */
export const certificate = (project: Project): Promise<string> => project.exec('tls', ['cat', '/certs/tls.crt']);

/** Ask for a page over HTTPS, on a connection of its own. */
export async function open(port: number, ca: string, path = '/'): Promise<IncomingMessage> {
  const asked = request({ host: 'localhost', port, path, ca, agent: false });
  asked.setTimeout(10_000, () => asked.destroy(new Error('no answer for 10 s')));
  asked.end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  return response;
}

/** The whole page. */
export async function fetchPage(port: number, ca: string, path = '/'): Promise<{ status: number; body: string }> {
  const response = await open(port, ca, path);
  let body = '';
  for await (const chunk of response) body += String(chunk);
  return { status: response.statusCode!, body };
}

/** A request that was not answered with 200; times are milliseconds since the epoch. */
export interface Miss {
  readonly begin: number;
  readonly end: number;
  readonly why: string;
}

export interface Visitors {
  /** Answers with 200 so far. */
  readonly served: () => number;
  /** End after the requests that are under way. */
  readonly stop: () => Promise<readonly Miss[]>;
}

const VISITORS = 4;
/** Between two requests of a visitor, in milliseconds: enough to see every gap, little enough to disturb nothing. */
const REST = 25;

/** Ask again and again, and note every miss. */
export function startVisitors(port: number, ca: string): Visitors {
  const misses: Miss[] = [];
  let served = 0;
  let stopping = false;
  const visitor = async (): Promise<void> => {
    while (!stopping) {
      const begin = Date.now();
      const why = await fetchPage(port, ca).then(
        ({ status }) => (status === 200 ? undefined : String(status)),
        (error: NodeJS.ErrnoException) => error.code ?? error.message,
      );
      if (why === undefined) served += 1;
      else misses.push({ begin, end: Date.now(), why });
      await pause(REST);
    }
  };
  const all = Promise.all(Array.from({ length: VISITORS }, visitor));
  return {
    served: () => served,
    stop: async () => {
      stopping = true;
      await all;
      return misses;
    },
  };
}

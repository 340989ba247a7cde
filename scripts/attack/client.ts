/** What the clients of all suites share: connections by hand, and requests with their answers. */
import { once } from 'node:events';
import type { ClientRequest, IncomingHttpHeaders } from 'node:http';
import { connect, type Socket } from 'node:net';
import { text as textOf } from 'node:stream/consumers';
import type { Random } from './random.ts';
import type { Attack } from './suite.ts';

/** A body in pieces of a byte, as chunks of HTTP/1.1, without its end. */
export const PIECES = '1\r\nx\r\n'.repeat(5000);

/** How long a hostile client waits to be closed, in milliseconds. */
const PATIENCE = 2000;

/** A hostile client's connection, by plain TCP to a port of the pod; see {@link opened}. */
export const dial = (port: number, signal: AbortSignal, host = '127.0.0.1'): Promise<Socket | undefined> =>
  opened(connect(port, host), 'connect', signal);

/**
 * Wait until a connection is open. It is destroyed with the signal.
 * @param event that says so
 * @returns undefined when it was refused
 */
export async function opened<S extends Socket>(
  socket: S,
  event: 'connect' | 'secureConnect',
  signal: AbortSignal,
): Promise<S | undefined> {
  socket.on('error', () => {});
  const end = (): void => void socket.destroy();
  signal.addEventListener('abort', end);
  socket.on('close', () => signal.removeEventListener('abort', end));
  try {
    await once(socket, event, { signal });
    return socket;
  } catch {
    socket.destroy();
    return undefined;
  }
}

/** Until the connection is closed, or the signal says so. */
export async function closed(socket: Socket, signal: AbortSignal): Promise<void> {
  if (!socket.destroyed) await once(socket, 'close', { signal }).catch(() => {});
}

/** Some clients at once, until all are done. */
export async function several(count: number, client: (index: number) => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, index) => client(index)));
}

/** Hostile clients that send something, and then read or do not, until they are closed or two seconds have passed. */
export const clients =
  (
    { count, host, ports, reads = true }: { count: number; host: string; ports: readonly number[]; reads?: boolean },
    text: (random: Random) => string,
  ): Attack =>
  ({ random, signal }) =>
    several(count, async () => {
      const socket = await dial(random.pick(ports), signal, host);
      if (socket === undefined) return;
      if (reads) socket.resume();
      else socket.pause();
      socket.write(text(random), 'latin1');
      await closed(socket, AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)]));
      socket.destroy();
    });

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Send a request, and read its answer whole. @throws when there is none */
export async function answerOf(request: ClientRequest, body?: string): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  request
    .on('response', (response) => {
      const { statusCode: status = 0, headers } = response;
      textOf(response).then((read) => resolve({ status, headers, body: read }), reject);
    })
    .on('error', reject)
    .end(body);
  return await promise;
}

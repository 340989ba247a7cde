/** Connections to the sidecar under attack. */
import { once } from 'node:events';
import { request, Agent } from 'node:https';
import { connect, type TLSSocket } from 'node:tls';
import { answerOf, opened } from '../client.ts';

const PORT = 8443;
// Attacks look at bytes and memory, not at who serves them.
const options = { host: '127.0.0.1', port: PORT, servername: 'localhost', rejectUnauthorized: false } as const;
const agent = new Agent({ keepAlive: true });

/** A body by the good client. */
export const get = async (path: string, signal: AbortSignal): Promise<string> =>
  (await answerOf(request({ ...options, path, agent, signal }))).body;

/** A hostile client's connection; undefined when it was refused. It is destroyed with the signal. */
export const dial = (protocol: 'http/1.1' | 'h2', signal: AbortSignal): Promise<TLSSocket | undefined> =>
  opened(connect({ ...options, ALPNProtocols: [protocol] }), 'secureConnect', signal);

/** Write as long as the peer takes it. @returns when the socket is closed, or the signal says so */
export async function writeUntilClosed(
  socket: TLSSocket,
  signal: AbortSignal,
  part: () => Buffer | string,
): Promise<void> {
  while (!signal.aborted && !socket.destroyed) {
    if (socket.write(part(), 'latin1')) {
      await new Promise(setImmediate);
      continue;
    }
    await Promise.race([once(socket, 'drain', { signal }), once(socket, 'close', { signal })]).catch(() => {});
  }
}

/** Connections to the sidecar under attack. */
import { once } from 'node:events';
import { request, Agent } from 'node:https';
import { connect, type TLSSocket } from 'node:tls';
import { text } from 'node:stream/consumers';

const PORT = 8443;
// Attacks look at bytes and memory, not at who serves them.
const options = { host: '127.0.0.1', port: PORT, servername: 'localhost', rejectUnauthorized: false } as const;
const agent = new Agent({ keepAlive: true });

/** A body by the good client. */
export async function get(path: string, signal: AbortSignal): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  request({ ...options, path, agent, signal }, (response) => text(response).then(resolve, reject))
    .on('error', reject)
    .end();
  return promise;
}

/** A hostile client's connection; undefined when it was refused. It is destroyed with the signal. */
export async function dial(protocol: 'http/1.1' | 'h2', signal: AbortSignal): Promise<TLSSocket | undefined> {
  const socket = connect({ ...options, ALPNProtocols: [protocol] });
  socket.on('error', () => {});
  const end = (): void => void socket.destroy();
  signal.addEventListener('abort', end);
  socket.on('close', () => signal.removeEventListener('abort', end));
  try {
    await once(socket, 'secureConnect', { signal });
    return socket;
  } catch {
    socket.destroy();
    return undefined;
  }
}

/** Write as long as the peer takes it. @returns when the socket is closed, or the signal says so */
export async function pour(socket: TLSSocket, signal: AbortSignal, part: () => Buffer | string): Promise<void> {
  while (!signal.aborted && !socket.destroyed) {
    if (socket.write(part(), 'latin1')) {
      await new Promise(setImmediate);
      continue;
    }
    await Promise.race([once(socket, 'drain', { signal }), once(socket, 'close', { signal })]).catch(() => {});
  }
}

/** Until the socket is closed, or the signal says so. */
export async function closed(socket: TLSSocket, signal: AbortSignal): Promise<void> {
  if (!socket.destroyed) await once(socket, 'close', { signal }).catch(() => {});
}

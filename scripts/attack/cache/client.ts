/** Connections to the cache under attack. */
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';

const PORT = 8070;
const agent = new Agent({ keepAlive: true });

/** A body by the good client. */
export async function get(path: string, signal: AbortSignal): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  request({ host: '127.0.0.1', port: PORT, path, agent, signal }, (response) => text(response).then(resolve, reject))
    .on('error', reject)
    .end();
  return promise;
}

/** A hostile client's connection; undefined when it was refused. It is destroyed with the signal. */
export async function dial(signal: AbortSignal): Promise<Socket | undefined> {
  const socket = connect(PORT, '127.0.0.1');
  socket.on('error', () => {});
  const end = (): void => void socket.destroy();
  signal.addEventListener('abort', end);
  socket.on('close', () => signal.removeEventListener('abort', end));
  try {
    await once(socket, 'connect', { signal });
    return socket;
  } catch {
    socket.destroy();
    return undefined;
  }
}

/** Requests one after the other, each after the answer before it has begun, until the signal. */
export async function ask(signal: AbortSignal, next: () => string): Promise<void> {
  const socket = await dial(signal);
  if (socket === undefined) return;
  while (!signal.aborted && !socket.destroyed) {
    socket.write(next(), 'latin1');
    await Promise.race([once(socket, 'data', { signal }), once(socket, 'close', { signal })]).catch(() => {});
  }
}

/** A request whose answer is not read, until the signal. @param taken bytes that are read at once every now and then */
export async function stall(signal: AbortSignal, head: string, taken = 0): Promise<void> {
  const socket = await dial(signal);
  if (socket === undefined) return;
  socket.pause();
  socket.write(head);
  const sip = setInterval(() => void socket.read(taken), 500);
  if (!socket.destroyed) await once(socket, 'close', { signal }).catch(() => {});
  clearInterval(sip);
}

/** The head of a GET. @param fields whole lines */
export const head = (path: string, fields = ''): string => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${fields}\r\n`;

/** Some clients at once, until all are done. */
export async function several(count: number, client: (index: number) => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, index) => client(index)));
}

/** Connections to the ambassador under attack. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

const PORT = 6379;

/** A client's connection; undefined when it was refused. It is destroyed with the signal. */
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

/** Send bytes and wait until the connection ends, or for a while. */
export async function sendAndLeave(bytes: string | Buffer, signal: AbortSignal): Promise<void> {
  const socket = await dial(signal);
  if (socket === undefined) return;
  socket.resume().write(bytes, 'latin1');
  await Promise.race([once(socket, 'close'), new Promise((resolve) => setTimeout(resolve, 50))]);
  socket.destroy();
}

/** Ask, and compare the answer byte by byte. @throws when it is another one, or does not come in time */
export async function expect(request: string, answer: string, signal: AbortSignal): Promise<void> {
  const socket = await dial(signal);
  if (socket === undefined) throw new Error('the connection was refused');
  let come = '';
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.setEncoding('latin1').on('data', (text: string) => {
    come += text;
    if (come.length >= answer.length) resolve();
  });
  socket.on('close', () => reject(new Error(`the connection ended after ${JSON.stringify(come.slice(0, 200))}`)));
  socket.write(request, 'latin1');
  try {
    await promise;
    if (come !== answer) throw new Error(`answered ${JSON.stringify(come.slice(0, 200))}`);
  } finally {
    socket.destroy();
  }
}

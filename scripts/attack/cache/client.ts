/** Connections to the cache under attack. */
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import type { Socket } from 'node:net';
import { answerOf, closed, dial } from '../client.ts';

const PORT = 8070;
const agent = new Agent({ keepAlive: true });

/** A body by the good client. */
export const get = async (path: string, signal: AbortSignal): Promise<string> =>
  (await answerOf(request({ host: '127.0.0.1', port: PORT, path, agent, signal }))).body;

/** Requests one after the other, each after the answer before it has begun, until the signal. */
export async function ask(signal: AbortSignal, next: () => string): Promise<void> {
  const socket = await dial(PORT, signal);
  if (socket === undefined) return;
  while (!signal.aborted && !socket.destroyed) {
    socket.write(next(), 'latin1');
    await answered(socket, signal);
  }
}

/** Until something comes, or the connection is closed, or the signal says so. */
async function answered(socket: Socket, signal: AbortSignal): Promise<void> {
  const over = new AbortController();
  const until = { signal: AbortSignal.any([signal, over.signal]) };
  await Promise.race([once(socket, 'data', until), once(socket, 'close', until)]).catch(() => {});
  // The other one listens no longer.
  over.abort();
}

/** A request whose answer is not read, until the signal. @param taken bytes that are read at once every now and then */
export async function stall(signal: AbortSignal, head: string, taken = 0): Promise<void> {
  const socket = await dial(PORT, signal);
  if (socket === undefined) return;
  socket.pause();
  socket.write(head);
  const sip = setInterval(() => void socket.read(taken), 500);
  await closed(socket, signal);
  clearInterval(sip);
}

/** The head of a GET. @param fields whole lines */
export const head = (path: string, fields = ''): string => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${fields}\r\n`;

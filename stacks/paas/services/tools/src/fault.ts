/** A server that a real git server cannot be made to be: one that refuses, dawdles, or talks nonsense. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';

export type Fault = 'refuse' | 'slow' | 'garbage';

/** Pause between two bytes of a slow answer, in milliseconds. */
const DRIP = 500;
const ADVERTISEMENT = 'HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-advertisement\r\n';

/** What nonsense looks like: no HTTP, HTTP with a body that is no protocol of git's, one cut short. */
const NONSENSE: readonly (() => Buffer)[] = [
  () => randomBytes(4096),
  () => Buffer.concat([Buffer.from(`${ADVERTISEMENT}\r\n`), randomBytes(4096)]),
  () => Buffer.from(`${ADVERTISEMENT}Content-Length: 1000\r\n\r\n001e# service=git-upload-pack\n0000ffff`),
];

/**
 * Serve a fault until the signal aborts.
 * @param begun called when it listens
 * @returns how many connections there were
 */
export async function fault(
  kind: Fault,
  port: number,
  signal: AbortSignal,
  begun: () => void,
): Promise<{ connections: number }> {
  let connections = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => {});
    socket.once('data', () => answer(kind, socket, connections));
  });
  server.listen(port);
  await once(server, 'listening');
  begun();
  await once(signal, 'abort');
  for (const socket of sockets) socket.destroy();
  server.close();
  return { connections };
}

function answer(kind: Fault, socket: Socket, count: number): void {
  if (kind === 'refuse')
    socket.end('HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
  else if (kind === 'garbage') socket.end(NONSENSE[count % NONSENSE.length]!());
  else {
    socket.write(`${ADVERTISEMENT}\r\n`);
    const timer = setInterval(() => socket.write('0'), DRIP);
    socket.once('close', () => clearInterval(timer));
  }
}

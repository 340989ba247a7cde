/** Servers of tests on a free port of 127.0.0.1. */
import { once } from 'node:events';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { connect, Server, type AddressInfo, type Socket } from 'node:net';

export interface TestServer extends AsyncDisposable {
  readonly port: number;
  /** `http://127.0.0.1:PORT`, without a slash at its end. */
  readonly url: string;
  readonly server: Server;
  /** Connections that were accepted so far. */
  readonly connections: () => number;
  /** Stop listening and cut what is open; nobody listens any more when it returns. */
  readonly close: () => Promise<void>;
}

/**
 * Listen on 127.0.0.1.
 * @param port a free one where absent
 * @returns the port
 */
export async function listening(server: Server, port = 0): Promise<number> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/**
 * Serve until closed, or as long as the test's process has something else to do.
 * @param answer how to answer HTTP requests; or a server of any kind that does not listen yet
 * @param port a free one where absent
 */
export async function serve(answer: RequestListener | Server, port = 0): Promise<TestServer> {
  const server = answer instanceof Server ? answer : createHttpServer(answer);
  const sockets = new Set<Socket>();
  let connections = 0;
  server.on('connection', (socket) => {
    connections += 1;
    sockets.add(socket.on('error', () => {}));
    socket.once('close', () => sockets.delete(socket));
  });
  const at = await listening(server, port);
  server.unref();
  const close = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return {
    port: at,
    url: `http://127.0.0.1:${at}`,
    server,
    connections: () => connections,
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Whether connections to a port of 127.0.0.1 are refused. */
export async function refused(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const { promise, resolve } = Promise.withResolvers<boolean>();
  socket.once('connect', () => resolve(false));
  socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code === 'ECONNREFUSED'));
  try {
    return await promise;
  } finally {
    socket.destroy();
  }
}

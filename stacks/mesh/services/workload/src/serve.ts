/** The server: what it got is what it answers. */
import { once } from 'node:events';
import { createServer as createHttp1, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { createServer as createHttp2 } from 'node:http2';
import { createServer as createTcp } from 'node:net';
import { hostname } from 'node:os';
import type { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { WebSocketServer } from 'ws';
import { count, take, told } from './behaviour.ts';
import { listenForControl } from './control.ts';
import { serveGrpc } from './grpc.ts';
import { listening } from './listening.ts';
import { PORTS } from './ports.ts';
import { readAll } from './read-all.ts';

/** What the server tells of a request. */
export interface Echo {
  /** Which replica answered. */
  readonly replica: string;
  readonly method: string;
  readonly path: string;
  readonly version: string;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: number;
  /** The address that the connection came from, as the server sees it. */
  readonly peer: string;
  /** The server's address of the connection. */
  readonly local: string;
}

const replica = process.env['REPLICA'] ?? hostname();

interface Request extends Readable {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly httpVersion: string;
  readonly headers: IncomingHttpHeaders;
  readonly socket: IncomingMessage['socket'];
}

async function echo(request: Request): Promise<{ status: number; body: string }> {
  const { method = '', url = '', httpVersion, headers, socket } = request;
  const [body, status] = await Promise.all([readAll(request), take(headers['x-key'] as string | undefined)]);
  const document: Echo = {
    replica,
    method,
    path: url,
    version: httpVersion,
    headers,
    bytes: body.length,
    peer: socket.remoteAddress ?? '',
    local: socket.localAddress ?? '',
  };
  return { status, body: JSON.stringify(document) };
}

const headersOf = (body: string) => ({
  'content-type': 'application/json',
  'content-length': Buffer.byteLength(body),
  'x-replica': replica,
});

/** How long requests that are under way are waited for, in milliseconds. */
const PATIENCE = 5000;

/** @returns to be called when it ends: nothing new is taken, and what is under way is answered */
export async function serve(): Promise<() => Promise<void>> {
  const http1 = createHttp1((request, response) => {
    echo(request).then(
      ({ status, body }) => {
        response.writeHead(status, headersOf(body));
        if (told().halfAnswers === true) response.write(body.slice(0, body.length / 2));
        else response.end(body);
      },
      () => response.destroy(),
    );
  });
  const sockets = new WebSocketServer({ server: http1, maxPayload: 1024 * 1024 });
  sockets.on('connection', (socket) => {
    socket.on('message', (data) => socket.send(`${replica}: ${(data as Buffer).toString()}`));
    socket.on('error', () => socket.terminate());
  });

  const http2 = createHttp2((request, response) => {
    echo(request).then(
      ({ status, body }) => {
        response.writeHead(status, headersOf(body));
        response.end(body);
      },
      () => response.stream?.close(),
    );
  });
  http2.on('sessionError', () => undefined);

  const serverFirst = createTcp((socket) => {
    socket.write(`220 ${replica} ready\r\n`);
    socket.on('data', (data) => {
      count(data.toString().trim());
      if (told().resets === true) socket.resetAndDestroy();
      else socket.write(data);
    });
    socket.on('error', () => socket.destroy());
  });

  await Promise.all([
    listening(http1, PORTS.http),
    listening(http2, PORTS.h2c),
    listening(serverFirst, PORTS.serverFirst),
    serveGrpc(replica),
    listenForControl(),
  ]);
  return async () => {
    const answered = once(http1, 'close');
    for (const server of [http1, http2, serverFirst]) server.close();
    await Promise.race([answered, pause(PATIENCE)]);
  };
}

/** A live stream of requests and connections, one JSON object a line, for identities that the configuration names. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createTls, type Server, type TLSSocket } from 'node:tls';
import { listen } from '#kit/net/listen.ts';
import type { Logger } from '#kit/telemetry/log.ts';
import type { Identity } from '#mesh/model/identity.ts';
import { contextOptions, type MeshTls } from '../security/contexts.ts';
import { peerOf } from '../security/peer.ts';
import type { AccessEntry } from '../telemetry/access-log.ts';

// By an import statement it would be 10 MB dearer: see kit/life/admin.ts.
const { createServer } = process.getBuiltinModule('node:http');

/** Unread bytes after which a reader that is slower than the requests misses some. */
const MAX_UNREAD = 1024 * 1024;
const MAX_WATCHERS = 16;
/** In milliseconds: who watches notices that there is nothing, and we notice that nobody watches. */
const HEARTBEAT = 5000;

export interface TapOptions {
  readonly host: string;
  readonly port: number;
  readonly identity: Identity;
  readonly tls: MeshTls;
  readonly log: Pick<Logger, 'info'>;
  /** SPIFFE ids that may watch now. */
  readonly allowed: () => readonly string[];
  readonly watchers: Set<(entry: AccessEntry) => void>;
}

/** Serve `GET /tap` over mTLS. @throws {ConfigurationError} when the port cannot be had */
export async function serveTap(options: TapOptions): Promise<Server> {
  const { host, port, identity, tls, allowed, log } = options;
  const http = createServer({ requestTimeout: 5000 }, (request, response) => answer(options, request, response));
  const server = createTls({
    ...(identity.current && contextOptions(identity.current)),
    requestCert: true,
    rejectUnauthorized: true,
    handshakeTimeout: 5000,
  });
  identity.onChange((credentials) => server.setSecureContext(contextOptions(credentials)));
  server.maxConnections = MAX_WATCHERS;
  server.on('secureConnection', (socket: TLSSocket) => {
    socket.on('error', () => {});
    const certificate = socket.getPeerX509Certificate();
    const peer = certificate === undefined ? 'it shows no certificate' : peerOf(certificate, tls.trustDomain);
    const refusal =
      typeof peer === 'string' ? peer : allowed().includes(peer.id.text) ? undefined : `${peer.id.text} is not allowed`;
    if (refusal === undefined) http.emit('connection', socket);
    else {
      log.info({ client: socket.remoteAddress, reason: refusal }, 'tap refused');
      socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
      setTimeout(() => socket.destroy(), HEARTBEAT).unref();
    }
  });
  await listen(server, { host, port }, 'MESH_TAP_PORT');
  return server;
}

function answer({ watchers }: TapOptions, request: IncomingMessage, response: ServerResponse): void {
  if (request.method !== 'GET' || request.url !== '/tap') {
    response.writeHead(404).end('not found; here is GET /tap\n');
    return;
  }
  response.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
  response.flushHeaders();
  let missed = 0;
  const watcher = (entry: AccessEntry): void => {
    if (response.writableLength > MAX_UNREAD) {
      missed++;
      return;
    }
    if (missed > 0) response.write(`${JSON.stringify({ missed })}\n`);
    missed = 0;
    response.write(`${JSON.stringify(entry)}\n`);
  };
  watchers.add(watcher);
  const heartbeat = setInterval(() => response.writableLength <= MAX_UNREAD && response.write('\n'), HEARTBEAT).unref();
  response.on('close', () => {
    watchers.delete(watcher);
    clearInterval(heartbeat);
  });
}

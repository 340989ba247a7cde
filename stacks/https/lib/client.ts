/** What a client of the stack gets: one request over HTTP/1.1 or HTTP/2, one look at a certificate. */
import { request as httpRequest, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http';
import { connect as h2connect } from 'node:http2';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { once } from 'node:events';
import type { Project } from '../../../scripts/lib/compose.ts';
import type { Stage } from '../../../scripts/scenario/scenario.ts';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Certificates in the stack are made out to this name; ports are published on 127.0.0.1. */
export const HOST = 'localhost';

/** Clients that load the guest book at a time. */
export const CLIENTS = 32;
/** The guest book. */
export const PAGE = '/cgi-bin/guestbook.cgi';

/** The guest book's address, as a person would type it. */
export const home = ({ port }: Pick<Stage, 'port'>, path = '/'): string => `https://${HOST}:${port('HTTPS')}${path}`;

const authorities = new WeakMap<Project, Promise<string>>();

/** The stack's CA as PEM, out of the volume that the sidecar mounts; read once, at the first call. */
export function authorityOf(project: Project): Promise<string> {
  const known = authorities.get(project);
  if (known) return known;
  const asked = project.exec('guestbook-tls', ['cat', '/certs/ca.pem']);
  asked.catch(() => authorities.delete(project));
  authorities.set(project, asked);
  return asked;
}

export interface PageOptions extends RequestOptions {
  readonly body?: string;
  /** Gets the connection that the request was given. */
  readonly onSocket?: (socket: TLSSocket) => void;
}

/** GET (or what the options say) over HTTP or HTTPS, on a connection of its own unless an agent is given. */
export async function fetchPage(url: string, { body, onSocket, ...options }: PageOptions = {}): Promise<Answer> {
  const make = url.startsWith('https:') ? httpsRequest : httpRequest;
  const request = make(url, { agent: false, ...options });
  request.setTimeout(10_000, () => request.destroy(new Error('no answer for 10 s')));
  if (onSocket) request.once('socket', (socket) => onSocket(socket as TLSSocket));
  request.end(body);
  const [response] = (await once(request, 'response')) as [import('node:http').IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks).toString() };
}

/** GET over HTTP/2. */
export async function fetchPageH2(url: string, ca: string, headers: OutgoingHttpHeaders = {}): Promise<Answer> {
  const { origin, pathname } = new URL(url);
  const session = h2connect(origin, { ca });
  try {
    const stream = session.request({ ':path': pathname, ...headers });
    const [received] = (await Promise.race([
      once(stream, 'response'),
      once(session, 'error').then(([error]) => Promise.reject(error as Error)),
    ])) as [IncomingHttpHeaders & { ':status': number }];
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    return { status: received[':status'], headers: received, body: Buffer.concat(chunks).toString() };
  } finally {
    session.close();
  }
}

/** A finished TLS handshake; the caller destroys the socket. */
export async function handshake(port: number, options: ConnectionOptions): Promise<TLSSocket> {
  const socket = connect({ host: HOST, port, servername: HOST, ...options });
  socket.setTimeout(10_000, () => socket.destroy(new Error('no handshake for 10 s')));
  await once(socket, 'secureConnect');
  return socket;
}

/** Serial number of the certificate that a new connection is shown. */
export async function serialAt(port: number, ca: string): Promise<string> {
  const socket = await handshake(port, { ca });
  const { serialNumber } = socket.getPeerCertificate();
  socket.destroy();
  return serialNumber;
}

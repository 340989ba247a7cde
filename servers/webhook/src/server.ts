/** The HTTPS server that the API server asks. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server } from 'node:https';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { limitConnections } from '#kit/net/connection-limit.ts';
import { listen } from '#kit/net/listen.ts';
import { Bodies, BodyError } from './bodies.ts';
import type { Pair } from './certificate/pair.ts';
import { NoReview } from './review/admission.ts';

// An import statement would load what no server needs (see the kit's admin port).
const { createServer } = process.getBuiltinModule('node:https');

/** An API server takes objects of 3 MiB; a review holds one and what is said of it. */
const MOST_OF_ONE = 4 * 1024 * 1024;
const MOST_OF_ALL = 16 * 1024 * 1024;
const CONNECTIONS = 128;
/** Longer than the time that the API server waits for an answer: head and body together. */
const REQUEST_MS = 5000;
const HANDSHAKE_MS = 3000;
const LOOK_MS = 1000;

export interface ReviewServerOptions {
  readonly port: number;
  /** @returns the answer's JSON; undefined for a path that is not served; @throws {NoReview} */
  readonly review: (path: string, body: string) => string | undefined;
  readonly onRefused: () => void;
  readonly now?: () => number;
}

/** An answer that is none of ours. */
class Refused extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/**
 * Serves reviews under the certificate that it was last given. A connection belongs to the certificate that it was
 * opened under: after another one was given it is closed with its next answer, and when its certificate ends at once,
 * since a client looks at a certificate only when it connects.
 */
export class ReviewServer {
  readonly #server: Server;
  readonly #options: ReviewServerOptions;
  readonly #bodies = new Bodies(MOST_OF_ONE, MOST_OF_ALL);
  readonly #open = new Map<Socket, Pair>();
  readonly #now: () => number;
  #pair: Pair | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ReviewServerOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#server = createServer(
      {
        minVersion: 'TLSv1.2',
        // HTTP/1.1: the API server opens a connection for each review that is under way.
        ALPNProtocols: ['http/1.1'],
        handshakeTimeout: HANDSHAKE_MS,
        requestTimeout: REQUEST_MS,
        headersTimeout: REQUEST_MS,
        connectionsCheckingInterval: LOOK_MS,
        keepAliveTimeout: 60_000,
      },
      (request, response) => void this.#answer(request, response),
    );
    limitConnections(this.#server, CONNECTIONS);
    // Who offers no trust or speaks no TLS is an error of that connection alone.
    this.#server.on('tlsClientError', (_error, socket) => socket.destroy());
    this.#server.on('secureConnection', (socket: TLSSocket) => {
      if (this.#pair === undefined) {
        socket.destroy();
        return;
      }
      this.#open.set(socket, this.#pair);
      socket.once('close', () => this.#open.delete(socket));
    });
  }

  /** Where it listens, once it does. */
  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** Bytes of bodies that are being read. */
  get held(): number {
    return this.#bodies.total;
  }

  /** @throws {ConfigurationError} when the port cannot be had */
  async listen(): Promise<void> {
    await listen(this.#server, { port: this.#options.port }, 'WEBHOOK_PORT');
    this.#timer = setInterval(() => this.#closeEnded(), LOOK_MS);
  }

  /** Serve this certificate from now on; undefined: none is trusted. */
  serve(pair: Pair | undefined): void {
    if (pair?.cert === this.#pair?.cert) return;
    this.#pair = pair;
    if (pair === undefined) {
      this.#server.closeAllConnections();
      return;
    }
    this.#server.setSecureContext({ cert: pair.cert, key: pair.key, minVersion: 'TLSv1.2' });
    this.#server.closeIdleConnections();
  }

  /** Take no connection any more, and let those that are open end with their answers. */
  async close(deadline: AbortSignal): Promise<void> {
    clearInterval(this.#timer);
    this.#pair = undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    this.#server.closeIdleConnections();
    deadline.addEventListener('abort', () => this.#server.closeAllConnections(), { once: true });
    await promise;
  }

  #closeEnded(): void {
    const now = this.#now();
    for (const [socket, { notAfter }] of this.#open) if (notAfter <= now) socket.destroy();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const pair = this.#open.get(request.socket);
    if (pair === undefined || pair.notAfter <= this.#now()) {
      request.socket.destroy();
      return;
    }
    try {
      const text = await this.#textFor(request);
      if (this.#pair?.cert !== pair.cert) response.setHeader('connection', 'close');
      response.setHeader('content-type', 'application/json');
      response.end(text);
    } catch (error) {
      this.#options.onRefused();
      const status =
        error instanceof BodyError || error instanceof Refused ? error.status : error instanceof NoReview ? 400 : 500;
      // What is left of its body is not read.
      response.writeHead(status, { 'content-type': 'text/plain', connection: 'close' });
      response.end(`${(error as Error).message}\n`, () => request.destroy());
    }
  }

  async #textFor(request: IncomingMessage): Promise<string> {
    if (request.method !== 'POST') throw new Refused(405, 'reviews come by POST');
    if (!/^application\/json\b/.test(request.headers['content-type'] ?? ''))
      throw new Refused(415, 'a review is application/json');
    const body = await this.#bodies.read(request);
    const path = (request.url ?? '/').split('?', 1)[0]!;
    const text = this.#options.review(path, body);
    if (text === undefined) throw new Refused(404, 'there are /annotated and /labelled/SIDECAR');
    return text;
  }
}

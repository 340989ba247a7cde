/**
 * One gRPC stream in both directions, over node:http2 (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md):
 * all that xDS needs of gRPC, without a library that costs the proxy a third of its memory.
 */
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2';
import type { PeerCertificate } from 'node:tls';

export interface GrpcOptions {
  readonly host: string;
  readonly port: number;
  /** Full name of the method: `/package.Service/Method`. */
  readonly path: string;
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string };
  /** What is wrong with whom we reached; undefined when nothing is. */
  readonly verify: (certificate: PeerCertificate) => Error | undefined;
  readonly onMessage: (message: Buffer) => void;
  /** Once, whatever the reason; nothing comes after it. */
  readonly onEnd: (reason: string) => void;
}

/** Of one message, in bytes: an xDS response of some thousand services. */
const MAX_MESSAGE = 64 * 1024 * 1024;
const CONNECT_TIMEOUT = 10_000;
/** Milliseconds of silence after which a peer is pinged, and again until a ping without answer ends the connection. */
const KEEPALIVE = 15_000;
/** Compressed flag and length. */
const PREFIX = 5;
/** Messages that may wait to be sent, in bytes. */
const MAX_UNSENT = 8 * 1024 * 1024;

export class GrpcStream {
  readonly #options: GrpcOptions;
  readonly #session: ClientHttp2Session;
  readonly #stream: ClientHttp2Stream;
  readonly #connecting: NodeJS.Timeout;
  #keepalive: NodeJS.Timeout | undefined;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #ended = false;

  constructor(options: GrpcOptions) {
    this.#options = options;
    const { host, port, path, tls, verify } = options;
    // An import statement would load node:http as well, which costs memory.
    const http2 = process.getBuiltinModule('node:http2');
    const authority = `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
    this.#session = http2.connect(authority, {
      ...tls,
      minVersion: 'TLSv1.3',
      checkServerIdentity: (_name, certificate) => verify(certificate),
    });
    this.#session.on('error', (error) => this.#end(error.message));
    this.#session.on('close', () => this.#end('the connection was closed'));
    this.#session.on('goaway', () => this.#end('the server goes away'));
    this.#connecting = setTimeout(() => this.#end(`no connection within ${CONNECT_TIMEOUT} ms`), CONNECT_TIMEOUT);
    this.#session.once('connect', () => {
      clearTimeout(this.#connecting);
      this.#watch();
    });
    this.#stream = this.#session.request(
      { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' },
      { endStream: false },
    );
    this.#stream.on('response', (headers) => {
      if (headers[':status'] !== 200) this.#end(`the server answered ${headers[':status']}`);
      else if (headers['grpc-status'] !== undefined) this.#end(statusOf(headers));
    });
    this.#stream.on('trailers', (trailers) => this.#end(statusOf(trailers)));
    this.#stream.on('data', (chunk: Buffer) => this.#take(chunk));
    this.#stream.on('error', (error) => this.#end(error.message));
    this.#stream.on('close', () => this.#end('the stream was closed'));
  }

  send(message: Buffer): void {
    if (this.#ended) return;
    const prefix = Buffer.alloc(PREFIX);
    prefix.writeUInt32BE(message.length, 1);
    this.#stream.write(Buffer.concat([prefix, message]));
    if (this.#stream.writableLength > MAX_UNSENT) this.#end('the server takes nothing');
  }

  close(): void {
    this.#end('closed');
  }

  #watch(): void {
    const ping = (): void => {
      const answer = setTimeout(() => this.#end(`no answer to a ping within ${KEEPALIVE} ms`), KEEPALIVE).unref();
      this.#session.ping((error) => {
        clearTimeout(answer);
        if (error) this.#end(error.message);
        else if (!this.#ended) this.#keepalive = setTimeout(ping, KEEPALIVE).unref();
      });
    };
    this.#keepalive = setTimeout(ping, KEEPALIVE).unref();
  }

  #take(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    while (!this.#ended && this.#bytes >= PREFIX) {
      if (this.#chunks[0]!.length < PREFIX) this.#chunks = [Buffer.concat(this.#chunks)];
      const [first] = this.#chunks;
      const length = first!.readUInt32BE(1);
      if (first![0] !== 0) return this.#end('a message is compressed, though that was not offered');
      if (length > MAX_MESSAGE) return this.#end(`a message of ${length} bytes is longer than ${MAX_MESSAGE}`);
      if (this.#bytes < PREFIX + length) return;
      const all = this.#chunks.length === 1 ? first! : Buffer.concat(this.#chunks);
      const rest = all.subarray(PREFIX + length);
      this.#chunks = rest.length > 0 ? [rest] : [];
      this.#bytes = rest.length;
      this.#options.onMessage(all.subarray(PREFIX, PREFIX + length));
    }
  }

  #end(reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#connecting);
    clearTimeout(this.#keepalive);
    this.#chunks = [];
    this.#stream?.destroy();
    this.#session.destroy();
    this.#options.onEnd(reason);
  }
}

function statusOf(headers: IncomingHttpHeaders): string {
  const text = headers['grpc-message'];
  const message = typeof text === 'string' ? text.slice(0, 1000) : '';
  const status = `status ${Number(headers['grpc-status'])}`;
  try {
    return `${status}: ${decodeURIComponent(message)}`;
  } catch {
    return `${status}: ${message}`;
  }
}

/** HTTP/2 towards an endpoint: many requests on one connection, begun without asking (RFC 9113, section 3.3). */
import { CONTENT_LENGTH, classify, HOST } from '#proxy/http/field-names.ts';
import { LENGTH, NO_BODY, UNKNOWN_LENGTH } from '#proxy/http/message.ts';
import type { Request } from '#proxy/http/request.ts';
import { Response } from '#proxy/http/response.ts';
import { CANCEL, ERROR_NAMES, INTERNAL_ERROR, NO_ERROR } from '#proxy/http2/codes.ts';
import { Http2Connection } from '#proxy/http2/connection.ts';
import type { FieldBlock } from '#proxy/http2/field-block.ts';
import { DEFAULTS, type Http2Handler } from '#proxy/http2/handler.ts';
import { isOfHttp1, LineWriter } from '#proxy/http2/lines.ts';
import type { Http2Stream } from '#proxy/http2/stream.ts';
import { Http2Transport } from '#proxy/http2/transport.ts';
import { memoryBudget } from '#proxy/memory/budget.ts';
import type { PooledBuffer } from './buffers.ts';
import type { ResponseUser, UpstreamStream } from './cluster.ts';
import { UpstreamConnection, type ConnectionTarget, type UpstreamUser } from './connection.ts';

type Stream = Http2Stream<Http2UpstreamStream>;

/** Where a connection belongs to. */
export interface Http2Owner {
  /** It serves no request now, or one less. */
  onIdle(connection: Http2UpstreamConnection): void;
  /** It takes no further requests. */
  remove(connection: Http2UpstreamConnection): void;
}

/** One request on a connection. */
export class Http2UpstreamStream implements UpstreamStream {
  /** Whatever is sent leaves at once: a connection that the endpoint gives up says so by GOAWAY. */
  readonly unsent = false;
  readonly reused: boolean;
  user: ResponseUser | undefined;
  readonly toHead: boolean;
  /** The response's head was passed on. */
  responding = false;
  trailers = '';
  stream: Stream | undefined;
  readonly #connection: Http2UpstreamConnection;

  constructor(connection: Http2UpstreamConnection, user: ResponseUser, toHead: boolean) {
    this.#connection = connection;
    this.reused = connection.reused;
    this.user = user;
    this.toHead = toHead;
  }

  get connected(): boolean {
    return this.#connection.connected;
  }
  get blocked(): boolean {
    return (this.stream?.queued ?? 0) > 0;
  }

  write(data: Buffer): boolean {
    return this.#connection.http2.sendData(this.stream!, data, 0, data.length);
  }
  end(trailers: string): void {
    this.#connection.http2.sendEnd(this.stream!, trailers);
  }
  resume(): void {
    this.#connection.http2.release(this.stream!);
  }
  cancel(): void {
    this.user = undefined;
    this.#connection.http2.reset(this.stream!, CANCEL);
    this.#connection.settle();
  }
}

export class Http2UpstreamConnection implements UpstreamUser, Http2Handler<Http2UpstreamStream> {
  readonly http2: Http2Connection<Http2UpstreamStream>;
  /** It has served a request before: a close without an answer may be an idle connection's. */
  reused = false;
  /** When it became idle, on the sweeper's clock. */
  idleSince = 0;
  readonly #owner: Http2Owner;
  readonly #connection: UpstreamConnection;
  readonly #transport: Http2Transport;
  readonly #lines: LineWriter;
  /** Why it failed, for its streams. */
  #failure = 'invalid';
  /** The socket is closed. */
  #lost = false;
  readonly #scheme: string;

  constructor(target: ConnectionTarget, maxHeadSize: number, owner: Http2Owner) {
    this.#owner = owner;
    this.#scheme = target.tls === undefined ? 'http' : 'https';
    this.#connection = new UpstreamConnection(target, this, () => this.#gone());
    this.http2 = new Http2Connection<Http2UpstreamStream>('client', this, {
      ...DEFAULTS,
      maxHeadSize,
      memory: memoryBudget,
      now: () => performance.now(),
    });
    this.#lines = new LineWriter(this.http2.encoder, isNotOfRequest);
    this.#transport = new Http2Transport(this.#connection.socket, this.http2, (error) => this.onInternalError(error));
    this.#transport.schedule();
  }

  get connected(): boolean {
    return this.#connection.connected;
  }

  /** Begin a request; see Endpoint.open. @param authority where the client named none */
  begin(request: Request, start: string, user: ResponseUser, authority: string): Http2UpstreamStream {
    const { http2 } = this;
    const { encoder } = http2;
    const stream = new Http2UpstreamStream(this, user, request.method === 'HEAD');
    encoder.begin();
    encoder.usual(':method', request.method);
    encoder.usual(':scheme', this.#scheme);
    encoder.usual(':authority', request.authority || authority);
    encoder.usual(':path', request.target);
    this.#lines.write(request.keptLines ?? request.lines());
    if (request.body === LENGTH) encoder.usual('content-length', String(request.length));
    if (request.acceptsTrailers) encoder.usual('te', 'trailers');
    const ended = user.requestDone && start === '';
    stream.stream = http2.request(stream, ended);
    stream.stream.bodiless = stream.toHead;
    if (start !== '') {
      const bytes = Buffer.from(start, 'latin1');
      http2.sendData(stream.stream, bytes, 0, bytes.length);
      if (user.requestDone) http2.sendEnd(stream.stream);
    }
    return stream;
  }

  /** A request is over: the connection may be idle now. */
  settle(): void {
    this.#owner.onIdle(this);
  }

  /** See what has left meanwhile. */
  measure(): void {
    this.#transport.measure();
  }

  /** Close it, in good order. */
  close(): void {
    this.http2.finish();
    this.#transport.end();
  }

  #gone(): void {
    this.#owner.remove(this);
  }

  // The socket's calls.

  onUpstreamConnect(): void {
    for (const { user } of this.http2.streams) user?.user?.onUpstreamConnect();
  }
  onUpstreamBytes(buffer: PooledBuffer, start: number, end: number): boolean {
    return this.#transport.receive(buffer.bytes, start, end);
  }
  onUpstreamFinish(): void {
    this.#transport.receiveRest();
    // At once: until the socket says `close`, another request could be given to it.
    this.#owner.remove(this);
    this.#connection.socket.destroy();
  }
  onUpstreamClose(error: NodeJS.ErrnoException | undefined): void {
    this.#transport.receiveRest();
    this.#lost = true;
    this.#failure = error?.code ?? 'closed';
    this.#owner.remove(this);
    this.http2.close();
  }
  onUpstreamDrain(): void {
    this.#transport.onDrain();
  }
  onInternalError(error: unknown): void {
    this.#owner.remove(this);
    const streams = [...this.http2.streams];
    for (const { user } of streams) {
      const told = user?.user;
      if (user) user.user = undefined;
      told?.onInternalError(error);
    }
    this.http2.fail(INTERNAL_ERROR, 'internal');
  }

  // The engine's calls.

  onOutput(): void {
    // The engine speaks first, before there is a transport.
    this.#transport?.schedule();
  }

  onHead(stream: Stream, block: FieldBlock, end: boolean): void {
    const { user: request } = stream;
    const { status } = block;
    if (request?.user === undefined) return;
    if (status < 200) {
      request.user.onUpstreamInterim(new Response({ status, lines: linesOf(block), body: NO_BODY }));
      return;
    }
    request.responding = true;
    const bodiless = end || request.toHead || status === 204 || status === 304;
    const length = block.contentLength;
    const body = bodiless || length === 0 ? NO_BODY : length > 0 ? LENGTH : UNKNOWN_LENGTH;
    request.user.onUpstreamResponse(new Response({ status, lines: linesOf(block), body, length }));
    if (end) this.#finish(request);
  }

  onTrailers(stream: Stream, block: FieldBlock): void {
    if (stream.user) stream.user.trailers = linesOf(block);
  }

  onData(stream: Stream, bytes: Buffer, start: number, end: number): boolean {
    const user = stream.user?.user;
    if (user === undefined) return true;
    // The bytes are the socket's, which reads into them again; the user may keep what it gets.
    const data = Buffer.from(bytes.subarray(start, end));
    return user.onUpstreamData(data, 0, data.length, undefined);
  }

  onEnd(stream: Stream): void {
    if (stream.user) this.#finish(stream.user);
  }

  #finish(request: Http2UpstreamStream): void {
    const { user } = request;
    request.user = undefined;
    // A complete response may come before the end of its request: the rest is not wanted.
    if (!request.stream!.localEnded && !request.stream!.ends) this.http2.reset(request.stream!, NO_ERROR);
    this.reused = true;
    this.settle();
    user?.onUpstreamEnd(request.trailers);
  }

  onReset(stream: Stream, code: number, byPeer: boolean): void {
    const request = stream.user;
    const user = request?.user;
    if (request) request.user = undefined;
    this.settle();
    if (user === undefined) return;
    const reason = byPeer ? `reset_${ERROR_NAMES[code] ?? code}` : this.#failure;
    if (!this.connected) user.onUpstreamFailure('connect', reason);
    else if (request!.responding) user.onUpstreamFailure('truncated', reason);
    else user.onUpstreamFailure(byPeer || this.#lost ? 'closed' : 'invalid_response', reason);
  }

  onDrain(stream: Stream): void {
    stream.user?.user?.onUpstreamDrain();
  }

  onSettings(): void {}

  onGoaway(): void {
    this.#owner.remove(this);
  }

  onError(): void {
    this.#owner.remove(this);
    this.#transport.end();
  }
}

/** What of a request's own lines HTTP/2 says otherwise, or not at all. */
const isNotOfRequest = (kind: number): boolean => kind === HOST || kind === CONTENT_LENGTH || isOfHttp1(kind);

/** The fields of a block that go on: none of framing, or of one hop. */
function linesOf(block: FieldBlock): string {
  const { bytes, fields } = block;
  let text = '';
  let from = block.fieldsStart;
  for (let field = 0; field < block.count; field++) {
    const start = fields[field * 4]!;
    const kind = classify(bytes, start, fields[field * 4 + 1]!);
    if (kind !== CONTENT_LENGTH && !isOfHttp1(kind)) continue;
    // This field is left out: what stands before it is kept.
    if (start > from) text += bytes.toString('latin1', from, start);
    from = block.lineStart(field + 1);
  }
  return block.fieldsEnd > from ? text + bytes.toString('latin1', from, block.fieldsEnd) : text;
}

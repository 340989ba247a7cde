/** The OTLP input: log records by OTLP/HTTP, https://opentelemetry.io/docs/specs/otlp/#otlphttp, into the spool. */
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { limitConnections } from '#kit/net/connection-limit.ts';
import { GrowingBuffer } from '#kit/net/growing-buffer.ts';
import { listen } from '#kit/net/listen.ts';
import type { LogRecord } from '../lines/record.ts';
import { toRecord, type RecordOptions } from '../lines/to-record.ts';
import { decompress, TooLargeError } from '../senders/decompress.ts';
import { createEncryptedServer } from '../senders/encryption.ts';
import { MalformedError } from '../senders/malformed.ts';
import { polled, type ListenerOptions, type SenderServer } from '../senders/server.ts';
import { accepted, refused, type Encoding } from './answer.ts';
import { readJson } from './json.ts';
import { hasTime, Rejected, toEvent, type Received } from './log-record.ts';
import { readProtobuf } from './protobuf.ts';

const { hash, randomBytes, timingSafeEqual } = process.getBuiltinModule('node:crypto');

/** Records that are written to the spool at once. */
const BATCH = 500;
/** A value of JSON takes so much more memory than the byte that it may be: this many bytes of the largest request allow one. */
const BYTES_PER_VALUE = 16;
/** What a resource says is stored with each of its records: all together may be so many times the largest request. */
const EXPANSION = 16;
/** What a record costs besides, in bytes. */
const RECORD = 256;
/** Less than the ten seconds that exporters wait for an answer, in milliseconds. */
const PATIENCE = 5000;
/** What a sender is told to wait, in seconds. */
const RETRY_AFTER = '5';
/** In milliseconds. */
const TIMES = { headersTimeout: 10_000, requestTimeout: 30_000, keepAliveTimeout: 75_000 } as const;
const LOOK = 1000;

export interface OtlpOptions
  extends RecordOptions, Pick<ListenerOptions, 'address' | 'port' | 'maxConnections' | 'encryption' | 'log'> {
  /** The most bytes of a request, and of what is compressed in one. */
  readonly maxRequest: number;
  /** What senders must show; undefined where who is there may send. */
  readonly token: string | undefined;
  readonly serviceName: string | undefined;
  /** How long a request waits for those before it, in milliseconds; five seconds where it is not said. */
  readonly patience?: number;
  readonly spool: { append(records: readonly LogRecord[]): Promise<void> };
  readonly onRead: (records: number, bytes: number) => void;
  readonly onAnswered: (status: number) => void;
  readonly onRejected: (records: number) => void;
}

/** Nothing of a request is taken. */
class RefusedRequest extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  constructor(status: number, message: string, headers: RefusedRequest['headers'] = {}) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}

/**
 * Listen.
 * @throws {ConfigurationError} when the port cannot be had, or the files for TLS cannot be used
 */
export async function startOtlp(options: OtlpOptions): Promise<SenderServer> {
  const { encryption, log, address, port, maxConnections, onAnswered } = options;
  const intake = new Intake(options);
  const serve: RequestListener = (request, response) => {
    response.on('error', () => {});
    void answer(request, response, intake, { ...options, isOpen: () => server.listening }).catch((error: unknown) => {
      if (!request.socket.destroyed) log.error({ err: error }, 'a request of OTLP failed');
      request.socket.destroy();
    });
    response.once('finish', () => onAnswered(response.statusCode));
  };
  const settings = { ...TIMES, connectionsCheckingInterval: LOOK };
  const server: Server =
    encryption === undefined
      ? process.getBuiltinModule('node:http').createServer(settings, serve)
      : (createEncryptedServer(
          encryption,
          log,
          undefined,
          ({ message }, { remoteAddress: remote }) =>
            log.warn({ reason: message, remote }, 'a sender of OTLP is cut off'),
          (tls) => process.getBuiltinModule('node:https').createServer({ ...settings, ...tls }, serve),
        ) as unknown as Server);
  limitConnections(server, maxConnections);
  await listen(server, { host: address, port }, 'OTLP_PORT');
  return {
    port: (server.address() as { port: number }).port,
    close: async (deadline) => {
      await polled();
      const { promise, resolve } = Promise.withResolvers<void>();
      server.close(() => resolve());
      server.closeIdleConnections();
      deadline.addEventListener('abort', () => server.closeAllConnections(), { once: true });
      if (deadline.aborted) server.closeAllConnections();
      await promise;
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  intake: Intake,
  options: Pick<OtlpOptions, 'token' | 'maxRequest'> & { readonly isOpen: () => boolean },
): Promise<void> {
  let encoding: Encoding = 'application/x-protobuf';
  const end = (status: number, body: Buffer, headers: Readonly<Record<string, string>> = {}): void => {
    // What is left of a body is not read; and at the end, nothing more.
    const close = !request.complete || !options.isOpen();
    const more = { 'content-type': encoding, 'content-length': body.length, ...(close && { connection: 'close' }) };
    response.writeHead(status, { ...more, ...headers }).end(body);
  };
  try {
    check(request, options.token);
    encoding = encodingOf(request);
    const body = await bodyOf(request, options.maxRequest);
    if (body === undefined) return;
    const taken = await intake.take(body, encoding, () => !request.socket.destroyed);
    if (taken !== undefined) end(200, accepted(encoding, taken.rejected, taken.reason));
  } catch (error) {
    const { status, message, headers } = refusalOf(error);
    end(status, refused(encoding, message), headers);
  }
}

/** @throws the error itself, when it is none of the sender */
function refusalOf(error: unknown): RefusedRequest {
  if (error instanceof RefusedRequest) return error;
  if (error instanceof TooLargeError) return new RefusedRequest(413, error.message);
  if (error instanceof MalformedError) return new RefusedRequest(400, error.message);
  throw error;
}

const PATH = '/v1/logs';

/** @throws {RefusedRequest} for what is not asked here, or by those who may not */
function check({ url = '', method, headers }: IncomingMessage, token: string | undefined): void {
  if (token !== undefined) {
    const shown = /^bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1] ?? '';
    if (!timingSafeEqual(hash('sha256', shown, 'buffer'), hash('sha256', token, 'buffer')))
      throw new RefusedRequest(401, 'no bearer token, or a wrong one', { 'www-authenticate': 'Bearer' });
  }
  if (url.split('?', 1)[0] !== PATH) throw new RefusedRequest(404, `here is ${PATH}: logs alone are taken`);
  if (method !== 'POST') throw new RefusedRequest(405, 'records are sent by POST', { allow: 'POST' });
}

function encodingOf({ headers }: IncomingMessage): Encoding {
  const type = (headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase();
  if (type === 'application/x-protobuf' || type === 'application/json') return type;
  throw new RefusedRequest(415, 'accepted are application/x-protobuf and application/json');
}

/** The body, unpacked; undefined when the sender went away. */
async function bodyOf(request: IncomingMessage, limit: number): Promise<Buffer | undefined> {
  const how = request.headers['content-encoding']?.toLowerCase() ?? 'identity';
  if (how !== 'identity' && how !== 'gzip' && how !== 'zstd')
    throw new RefusedRequest(415, 'accepted are gzip, zstd, and what is not compressed');
  const tooLarge = new TooLargeError(`more than ${limit} bytes`);
  if (Number(request.headers['content-length'] ?? 0) > limit) throw tooLarge;
  const body = new GrowingBuffer();
  try {
    for await (const bytes of request as AsyncIterable<Buffer>) {
      if (body.length + bytes.length > limit) throw tooLarge;
      body.add(bytes);
    }
  } catch (error) {
    if (error instanceof TooLargeError) throw error;
    return undefined;
  }
  return how === 'identity' ? body.bytes : decompress(body.bytes, how, limit);
}

/** Records into the spool: requests take turns, a batch each. */
class Intake {
  readonly #options: OtlpOptions;
  readonly #instance = randomBytes(9).toString('base64url');
  #count = 0;
  /** Of the batch that came last. */
  #turn: Promise<void> = Promise.resolve();

  constructor(options: OtlpOptions) {
    this.#options = options;
  }

  /**
   * @param isOpen whether the sender is still there: one that has gone sends again
   * @returns once a killed process would not lose any record of it; how many were not taken, and why; undefined when
   * the sender has gone
   * @throws {MalformedError} when it is no request; then nothing of it is taken
   * @throws {RefusedRequest} when what came before is not in the spool in time
   */
  async take(
    body: Buffer,
    encoding: Encoding,
    isOpen: () => boolean,
  ): Promise<{ rejected: number; reason: string } | undefined> {
    const { onRead, onRejected, maxRequest } = this.#options;
    const parsed =
      encoding === 'application/json' ? readJson(body, Math.ceil(maxRequest / BYTES_PER_VALUE)) : undefined;
    const records = (): Iterable<Received> => parsed ?? readProtobuf(body);
    const found = { count: 0, rejected: 0, reason: '', timed: true };
    let size = 0;
    // All of it is looked through before anything is taken.
    for await (const received of inTurns(records(), isOpen)) {
      if (received instanceof Rejected) {
        found.rejected += 1;
        found.reason ||= received.reason;
        continue;
      }
      const [record, origin] = received;
      found.count += 1;
      found.timed &&= hasTime(record);
      size += origin.size + RECORD;
      if (size > maxRequest * EXPANSION)
        throw new TooLargeError(`more than ${maxRequest * EXPANSION} bytes, with the resource of each record`);
    }
    // One that is sent again, since its answer was lost, has the same ids.
    const name = found.timed ? hash('sha256', body, 'base64url').slice(0, 16) : undefined;
    let index = 0;
    let batch: LogRecord[] = [];
    for await (const received of inTurns(records(), isOpen)) {
      const id =
        name === undefined ? `${this.#instance}-${(this.#count++).toString(36)}` : `${name}-${index.toString(36)}`;
      index += 1;
      if (received instanceof Rejected) continue;
      const record = toRecord({ id, ...toEvent(received, this.#options) }, this.#options);
      if (record !== undefined) batch.push(record);
      if (batch.length < BATCH) continue;
      await this.#append(batch);
      batch = [];
    }
    if (batch.length > 0) await this.#append(batch);
    if (!isOpen()) return undefined;
    onRead(found.count, body.length);
    if (found.rejected > 0) onRejected(found.rejected);
    return found;
  }

  /**
   * One batch after the other: what is refused while it waits is not in the spool, and does not fill memory.
   * @throws {RefusedRequest} when it does not have its turn in time
   */
  async #append(batch: readonly LogRecord[]): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const before = this.#turn;
    this.#turn = before.then(() => promise);
    try {
      await inTime(before, this.#options.patience ?? PATIENCE);
      await this.#options.spool.append(batch);
    } finally {
      resolve();
    }
  }
}

/** Records, some at a time, so that others have their turn; it ends when the sender has gone. */
async function* inTurns(records: Iterable<Received>, isOpen: () => boolean): AsyncGenerator<Received> {
  let count = 0;
  for (const record of records) {
    yield record;
    if (++count % BATCH > 0) continue;
    await polled();
    if (!isOpen()) return;
  }
}

/** @throws {RefusedRequest} when it takes too long */
async function inTime(before: Promise<void>, patience: number): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new RefusedRequest(503, 'the spool is full', { 'retry-after': RETRY_AFTER })),
    patience,
  );
  try {
    await Promise.race([before, promise]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * A small HTTP client. Node's own fetch costs a sidecar some ten megabytes of memory, and so does
 * importing node:http by name, which loads it; the built-in module by itself does not.
 */
import type { Agent, ClientRequest, IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { GrowingBuffer } from './growing-buffer.ts';

export type HttpErrorReason = 'refused' | 'timeout' | 'aborted' | 'tls' | 'network' | 'too-large';

/** No answer was had, or not a whole one. */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly reason: HttpErrorReason;
  constructor(reason: HttpErrorReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

export interface RequestOptions {
  readonly method?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Uint8Array;
  /** How long the answer may take, its body included where that is read, in milliseconds. */
  readonly timeout?: number;
  readonly signal?: AbortSignal | undefined;
  /** Certificate authorities in PEM that are trusted, instead of the public ones. */
  readonly ca?: string | Buffer | undefined;
  /** The server's certificate is not verified: for what is public, or is verified in another way. */
  readonly insecure?: boolean;
  /** The client's own certificate in PEM, with its chain, and its key; both or neither. */
  readonly cert?: string | Buffer | undefined;
  readonly key?: string | Buffer | undefined;
  /** Keeps connections; without one each request has its own. */
  readonly agent?: Agent | undefined;
  /** The longest body that is read, in bytes. */
  readonly maxBody?: number;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/**
 * Ask, and read the whole answer.
 * @param url http or https; a user and password in it are sent as basic authentication
 * @returns the answer, whatever its status; redirects are not followed
 * @throws {HttpError}
 */
export async function request(url: string | URL, options: RequestOptions = {}): Promise<Answer> {
  const { timeout, maxBody = 16 * 1024 * 1024 } = options;
  return await within(url, options, timeout, async (signal) => {
    const response = await open(url, { ...options, signal });
    const body = new GrowingBuffer();
    try {
      for await (const piece of response as AsyncIterable<Buffer>) {
        if (body.length + piece.length > maxBody)
          throw new HttpError('too-large', `the answer has more than ${maxBody} bytes`);
        body.add(piece);
      }
    } finally {
      response.destroy();
      // Of a request that was answered before all of it was read, no more is sent: its body is the caller's again.
      const { req } = response as IncomingMessage & { readonly req: ClientRequest };
      if (!req.writableFinished) req.destroy();
    }
    return { status: response.statusCode!, headers: response.headers, body: body.bytes };
  });
}

/**
 * Ask, and leave the body to the caller, who reads or destroys it. The timeout is for the head alone;
 * the signal ends the body as well.
 * @throws {HttpError} until the head is there; after that the stream emits plain errors
 */
export async function openResponse(
  url: string | URL,
  options: Omit<RequestOptions, 'maxBody'> = {},
): Promise<IncomingMessage> {
  return await within(url, options, options.timeout, (signal) => open(url, { ...options, signal }));
}

/** A pool of connections that are kept for the next request. */
export function createAgent(protocol: 'http:' | 'https:', options: { maxSockets?: number } = {}): Agent {
  const { Agent: Pool } = process.getBuiltinModule(protocol === 'https:' ? 'https' : 'http');
  return new Pool({ keepAlive: true, ...options });
}

/** A url as it may be shown: without user and password. */
export function withoutCredentials(url: string | URL): string {
  const shown = new URL(url);
  shown.username = '';
  shown.password = '';
  return shown.href;
}

const TIMEOUT = Symbol('timeout');

/** Do it until the deadline, or until the caller's signal. */
async function within<T>(
  url: string | URL,
  { signal: given }: RequestOptions,
  timeout: number | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = new AbortController();
  const timer = timeout === undefined ? undefined : setTimeout(() => deadline.abort(TIMEOUT), timeout);
  const signal = given ? AbortSignal.any([given, deadline.signal]) : deadline.signal;
  try {
    return await work(signal);
  } catch (error) {
    throw explain(error, url, signal, timeout);
  } finally {
    clearTimeout(timer);
  }
}

function open(
  url: string | URL,
  { method = 'GET', headers, body, signal, ca, cert, key, agent, insecure }: RequestOptions,
): Promise<IncomingMessage> {
  const target = new URL(url);
  const https = target.protocol === 'https:';
  if (!https && target.protocol !== 'http:')
    throw new HttpError('network', `${target.protocol} is neither http: nor https:`);
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const options = { method, headers, signal, ...(agent && { agent }) };
  const trust = {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert, key }),
    ...(insecure === true && { rejectUnauthorized: false }),
  };
  const asked = https
    ? process.getBuiltinModule('https').request(target, { ...options, ...trust }, resolve)
    : process.getBuiltinModule('http').request(target, options, resolve);
  asked.once('error', reject);
  // Nobody asked for another protocol. Node closes such a connection and says nothing, nor does it at the deadline.
  asked.once('upgrade', (_response, socket) => {
    socket.destroy();
    reject(new Error('the answer is in another protocol'));
  });
  asked.end(body);
  return promise;
}

const REFUSED = new Set(['ECONNREFUSED', 'ENOENT', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN']);

/** One error for all that Node may throw, without the url's password. */
function explain(error: unknown, url: string | URL, signal: AbortSignal, timeout: number | undefined): Error {
  if (error instanceof HttpError) return error;
  const at = withoutCredentials(url);
  if (signal.aborted) {
    return signal.reason === TIMEOUT
      ? new HttpError('timeout', `${at} did not answer within ${timeout} ms`, { cause: error })
      : new HttpError('aborted', `the request to ${at} was given up`, { cause: signal.reason });
  }
  const { code = '', message } = error as NodeJS.ErrnoException;
  if (REFUSED.has(code)) return new HttpError('refused', `${at} cannot be reached: ${code}`, { cause: error });
  if (/CERT|TLS|SSL|SIGNATURE|ISSUER/.test(code)) {
    return new HttpError('tls', `${at} is not trusted: ${code || message}`, { cause: error });
  }
  return new HttpError('network', `${at} broke off: ${code || message}`, { cause: error });
}

/** One request to one host: what came back, or why nothing did. */
import { createAgent, HttpError, request, type RequestOptions } from '#kit/net/http-client.ts';

const { gzip } = process.getBuiltinModule('node:zlib');

export interface TransportOptions {
  /** How long a request may take to its last byte, in milliseconds. */
  readonly timeout: number;
  readonly gzip: boolean;
  /** Connections to one host. */
  readonly connections: number;
  /** The Authorization header, asked for each request. */
  readonly authorization: () => string | undefined;
  /** Authorities to trust, asked for each request; the usual ones when undefined. */
  readonly ca: () => string | undefined;
  /** The certificate and key that the store may ask for, asked for each request. */
  readonly identity: () => { readonly cert: string; readonly key: string } | undefined;
}

export interface Answer {
  readonly status: number;
  readonly body: Buffer;
  /** In milliseconds, when the store asked for a pause. */
  readonly retryAfter: number | undefined;
  /** Bytes that were sent. */
  readonly sent: number;
}

/** No whole answer came; whether the store has the records is not known. */
export class Unanswered extends Error {
  override readonly name = 'Unanswered';
  readonly reason: HttpError['reason'] | 'credentials';

  constructor(reason: Unanswered['reason'], message: string, cause: unknown) {
    super(message, { cause });
    this.reason = reason;
  }
}

/**
 * The least and the most that a response may hold, in bytes; between them, what its items may need: words of the store,
 * and a record's own, since what is wrong with a value is said with all of it, in which bytes may be written as `\u00e4`.
 */
const RESPONSE_MIN = 64 * 1024;
const RESPONSE_MAX = 32 * 1024 * 1024;
const RESPONSE_PER_ITEM = 1024;
const RESPONSE_PER_BYTE = 4;

export class Transport {
  readonly #options: TransportOptions;
  /** By protocol, made when it is needed: TLS alone takes nine megabytes. */
  readonly #agents = new Map<string, ReturnType<typeof createAgent>>();

  constructor(options: TransportOptions) {
    this.#options = options;
  }

  /**
   * POST a bulk request.
   * @param url where to
   * @param body lines of JSON
   * @param items how many records it holds, which bounds the response
   * @throws {Unanswered} when there was no whole answer
   */
  async post(url: URL, body: Buffer, items: number): Promise<Answer> {
    const payload = this.#options.gzip ? await compress(body) : body;
    const headers = {
      'content-type': 'application/x-ndjson',
      'content-length': payload.length,
      ...(this.#options.gzip && { 'content-encoding': 'gzip' }),
    };
    const room = RESPONSE_MIN + items * RESPONSE_PER_ITEM + body.length * RESPONSE_PER_BYTE;
    const maxBody = Math.min(RESPONSE_MAX, room);
    return await this.#request(url, { method: 'POST', headers, body: payload, maxBody });
  }

  /**
   * Ask something else of the store.
   * @param body JSON
   * @throws {Unanswered} when there was no whole answer
   */
  async ask(method: 'GET' | 'PUT', url: URL, body = ''): Promise<Answer> {
    const payload = Buffer.from(body);
    const headers = {
      'content-length': payload.length,
      ...(payload.length > 0 && { 'content-type': 'application/json' }),
    };
    return await this.#request(url, { method, headers, body: payload, maxBody: RESPONSE_MAX });
  }

  async #request(
    url: URL,
    { headers, ...asked }: Required<Pick<RequestOptions, 'method' | 'headers' | 'maxBody'>> & { readonly body: Buffer },
  ): Promise<Answer> {
    const { authorization, ca, identity } = this.#secrets();
    try {
      const answer = await request(url, {
        ...asked,
        headers: { ...headers, accept: 'application/json', ...(authorization !== undefined && { authorization }) },
        timeout: this.#options.timeout,
        ca,
        ...identity,
        agent: this.#agent(url.protocol as 'http:' | 'https:'),
      });
      const { status, body } = answer;
      return { status, body, retryAfter: readRetryAfter(answer.headers['retry-after']), sent: asked.body.length };
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      // Without the URL and its query, which are the same each time.
      throw new Unanswered(error.reason, error.cause instanceof Error ? error.cause.message : error.message, error);
    }
  }

  /** Cut what is under way and close every connection. */
  close(): void {
    for (const agent of this.#agents.values()) agent.destroy();
  }

  #agent(protocol: 'http:' | 'https:'): ReturnType<typeof createAgent> {
    let agent = this.#agents.get(protocol);
    if (agent === undefined) {
      agent = createAgent(protocol, { maxSockets: this.#options.connections });
      this.#agents.set(protocol, agent);
    }
    return agent;
  }

  #secrets(): {
    authorization: string | undefined;
    ca: string | undefined;
    identity: { readonly cert: string; readonly key: string } | undefined;
  } {
    try {
      const { authorization, ca, identity } = this.#options;
      return { authorization: authorization(), ca: ca(), identity: identity() };
    } catch (error) {
      throw new Unanswered('credentials', (error as Error).message, error);
    }
  }
}

/**
 * Retry-After in milliseconds: seconds, or a date. Source: RFC 9110, 10.2.3.
 * @returns undefined when it is absent or neither
 */
export function readRetryAfter(value: string | undefined, now = Date.now()): number | undefined {
  if (value === undefined) return undefined;
  if (/^\s*\d{1,9}\s*$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

function compress(body: Buffer): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  gzip(body, { level: 1 }, (error, result) => (error ? reject(error) : resolve(result)));
  return promise;
}

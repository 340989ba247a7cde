/** Spans to a collector by OTLP over HTTP, in batches, behind the requests' backs: nothing of it is waited for. */
import { readFile } from 'node:fs/promises';
import { createAgent, HttpError, request, withoutCredentials, type Answer } from '../net/http-client.ts';
import type { Logger } from '../telemetry/log.ts';
import { Backoff, pause } from '../time/backoff.ts';
import type { Encoding, Scope } from './encoding.ts';
import type { Attributes, SpanRecord } from './span.ts';

/** Where spans go, and how. */
export interface Collector {
  /** The whole URL: `https://collector:4318/v1/traces`. */
  readonly endpoint: string;
  readonly encoding: Encoding;
  readonly gzip: boolean;
  readonly headers: Readonly<Record<string, string>>;
  /** Of one request with its answer, in milliseconds. */
  readonly timeout: number;
  readonly batching: Batching;
  /** Files in PEM, read for each request: the authority's, and the client's own. */
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

/** How spans wait, and are sent together. */
export interface Batching {
  /** How long one waits for others, in milliseconds. */
  readonly period: number;
  /** Of all tries of a batch, in milliseconds. */
  readonly timeout: number;
  /** Most spans that wait; they have a limit in bytes besides. */
  readonly queue: number;
  /** Most spans of one request. */
  readonly batch: number;
}

export interface ExporterOptions {
  readonly log: Pick<Logger, 'warn' | 'info'>;
  /** Of the whole program. */
  readonly resource: () => Attributes;
  readonly scope: Scope;
  readonly onExported: (spans: number) => void;
  readonly onDropped: (spans: number) => void;
  /** Between tries; a test's seam. */
  readonly backoff?: Backoff;
}

/** Most bytes of spans that wait; further ones are dropped, and counted. */
const MAX_WAITING = 1024 * 1024;
const MAX_TRIES = 5;
/** The longest wait that a collector may ask for, in milliseconds. */
const MAX_RETRY_AFTER = 30_000;
/** How long the end waits for the last spans, in milliseconds. */
const CLOSING = 400;
/** OTLP, "Retryable Response Codes". */
const RETRYABLE = new Set([429, 502, 503, 504]);

export class SpanExporter {
  readonly #options: ExporterOptions;
  readonly #backoff: Backoff;
  readonly #end = new AbortController();
  #collector: Collector | undefined;
  #agent: ReturnType<typeof createAgent> | undefined;
  #waiting: Buffer[] = [];
  #bytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> | undefined;
  #failing = false;

  constructor(options: ExporterOptions) {
    this.#options = options;
    this.#backoff = options.backoff ?? new Backoff({ initial: 1000, max: 16_000 });
  }

  /** Where spans go from now on. @param collector undefined for nowhere: then what waits is dropped */
  update(collector: Collector | undefined): void {
    const url = collector && URL.parse(collector.endpoint);
    const next = /^https?:$/.test(url?.protocol ?? '') ? collector : undefined;
    if (next !== collector)
      this.#options.log.warn('the collector’s endpoint is no http:// or https:// URL: nothing is traced');
    if (next?.encoding !== this.#collector?.encoding) this.#forget();
    if (next?.endpoint !== this.#collector?.endpoint) {
      this.#agent?.destroy();
      this.#agent = next && createAgent(url!.protocol as 'http:' | 'https:', { maxSockets: 1 });
    }
    this.#collector = next;
  }

  /** Send a span later. It never throws, and never waits. */
  export(span: SpanRecord): void {
    if (this.#collector === undefined || this.#end.signal.aborted) return;
    const encoded = this.#collector.encoding.span(span);
    const { queue } = this.#collector.batching;
    if (this.#bytes + encoded.length > MAX_WAITING || this.#waiting.length >= queue) return this.#options.onDropped(1);
    this.#bytes += encoded.length;
    this.#waiting.push(encoded);
    this.#schedule(this.#collector.batching);
  }

  /** A whole batch goes at once, others when the first of them has waited long enough. */
  #schedule({ batch, period }: Batching): void {
    if (this.#waiting.length >= batch) this.#begin();
    else if (this.#waiting.length > 0) this.#timer ??= setTimeout(() => this.#begin(), period).unref();
  }

  /** Send what still waits, as far as a short time allows. */
  async close(): Promise<void> {
    const late = setTimeout(() => this.#end.abort(), CLOSING);
    await this.#sending;
    this.#begin();
    await this.#sending;
    clearTimeout(late);
    this.#end.abort();
    this.#forget();
    this.#agent?.destroy();
  }

  #forget(): void {
    if (this.#waiting.length > 0) this.#options.onDropped(this.#waiting.length);
    this.#waiting = [];
    this.#bytes = 0;
  }

  #begin(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#sending !== undefined || this.#waiting.length === 0 || this.#end.signal.aborted) return;
    const batch = this.#waiting.splice(0, this.#collector?.batching.batch);
    const bytes = batch.reduce((sum, span) => sum + span.length, 0);
    this.#sending = this.#deliver(batch).then(() => {
      // Those under way count until they are gone: a slow collector has no second megabyte.
      this.#bytes = Math.max(0, this.#bytes - bytes);
      this.#sending = undefined;
      if (this.#collector !== undefined) this.#schedule(this.#collector.batching);
    });
  }

  /** Try until the collector takes or refuses them. It never throws. */
  async #deliver(batch: readonly Buffer[]): Promise<void> {
    const { signal } = this.#end;
    const began = performance.now();
    this.#backoff.reset();
    for (;;) {
      const collector = this.#collector;
      if (collector === undefined) return this.#options.onDropped(batch.length);
      const left = (): number => began + collector.batching.timeout - performance.now();
      const failed = await this.#post(collector, batch, Math.max(1, Math.min(collector.timeout, left())));
      if (failed === undefined) return;
      if (!this.#failing) this.#warn(collector, failed.error);
      this.#failing = true;
      const again = failed.retry && this.#backoff.attempts < MAX_TRIES - 1;
      const wait = again ? Math.max(this.#backoff.next(), failed.after) : 0;
      const lost = !again || wait > left();
      if (!lost) await pause(wait, signal).catch(ignore);
      if (lost || signal.aborted) return this.#options.onDropped(batch.length);
    }
  }

  #warn({ endpoint }: Collector, error: string): void {
    this.#options.log.warn({ error, endpoint: withoutCredentials(endpoint) }, 'the collector does not take spans');
  }

  /** One try. @param timeout in milliseconds @returns why it failed, and in how many milliseconds another one may be made */
  async #post(collector: Collector, batch: readonly Buffer[], timeout: number): Promise<Failed | undefined> {
    const { encoding, endpoint } = collector;
    let answer: Answer;
    try {
      answer = await request(endpoint, {
        method: 'POST',
        headers: {
          'content-type': encoding.contentType,
          ...(collector.gzip && { 'content-encoding': 'gzip' }),
          ...collector.headers,
        },
        body: await this.#body(collector, batch),
        ...(await filesOf(collector)),
        timeout,
        signal: this.#end.signal,
        agent: this.#agent,
        maxBody: 64 * 1024,
      });
    } catch (error) {
      const retry = !(error instanceof HttpError) || error.reason !== 'tls';
      return { error: (error as Error).message, retry, after: 0 };
    }
    const { status, headers, body } = answer;
    if (status >= 300) {
      const after = Math.min(Number(headers['retry-after'] ?? 0) * 1000 || 0, MAX_RETRY_AFTER);
      return { error: `status ${status}`, retry: RETRYABLE.has(status), after };
    }
    this.#taken(collector, batch.length, Math.min(encoding.rejected(body), batch.length));
    return undefined;
  }

  #taken(collector: Collector, count: number, rejected: number): void {
    const { log, onExported, onDropped } = this.#options;
    onExported(count - rejected);
    if (rejected > 0) onDropped(rejected);
    if (this.#failing)
      log.info({ endpoint: withoutCredentials(collector.endpoint) }, 'the collector takes spans again');
    this.#failing = false;
  }

  async #body({ encoding, gzip }: Collector, batch: readonly Buffer[]): Promise<Buffer> {
    const body = encoding.batch(this.#options.resource(), this.#options.scope, batch);
    if (!gzip) return body;
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    process
      .getBuiltinModule('node:zlib')
      .gzip(body, (error, packed) => (error === null ? resolve(packed) : reject(error)));
    return promise;
  }
}

interface Failed {
  readonly error: string;
  readonly retry: boolean;
  readonly after: number;
}

async function filesOf({ ca, cert, key }: Collector): Promise<{ ca?: Buffer; cert?: Buffer; key?: Buffer }> {
  const files: { ca?: Buffer; cert?: Buffer; key?: Buffer } = {};
  if (ca !== undefined) files.ca = await readFile(ca);
  if (cert !== undefined) files.cert = await readFile(cert);
  if (key !== undefined) files.key = await readFile(key);
  return files;
}

function ignore(): void {}

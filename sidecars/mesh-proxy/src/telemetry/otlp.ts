/** Spans to a collector by OTLP over HTTP, as JSON (https://opentelemetry.io/docs/specs/otlp/). */
import type { ClientRequest } from 'node:http';
import type { Logger } from '#kit/telemetry/log.ts';
import type { AccessEntry } from './access-log.ts';
import type { Span } from './trace-context.ts';

// By an import statement they would be 10 MB dearer: see kit/life/admin.ts.
const http = process.getBuiltinModule('node:http');
const requestBy = (endpoint: string): typeof http.request =>
  endpoint.startsWith('https:') ? process.getBuiltinModule('node:https').request : http.request;

/** So many spans wait at most; further ones are dropped, and counted. */
const MAX_WAITING = 2048;
const BATCH = 512;
/** In milliseconds. */
const PERIOD = 1000;
/** From a request to the end of its answer: OTLP's default. */
const TIMEOUT = 10_000;

const KIND_SERVER = 2;
const KIND_CLIENT = 3;
const STATUS_ERROR = 2;

export class SpanExporter {
  readonly #log: Pick<Logger, 'warn'>;
  readonly #resource: () => Readonly<Record<string, string>>;
  readonly #onDropped: (count: number) => void;
  readonly #timeout: number;
  #endpoint: string | undefined;
  #waiting: object[] = [];
  #timer: NodeJS.Timeout | undefined;
  #sending: ClientRequest | undefined;
  #failing = false;

  /**
   * @param resource attributes of this pod
   * @param timeout of a request, in milliseconds
   */
  constructor(
    log: Pick<Logger, 'warn'>,
    resource: () => Readonly<Record<string, string>>,
    onDropped: (count: number) => void,
    timeout = TIMEOUT,
  ) {
    this.#log = log;
    this.#resource = resource;
    this.#onDropped = onDropped;
    this.#timeout = timeout;
  }

  /** @param endpoint a URL; undefined for none */
  update(endpoint: string | undefined): void {
    this.#endpoint = endpoint;
    if (endpoint === undefined) this.#waiting = [];
  }

  add(span: Span, entry: AccessEntry): void {
    if (this.#endpoint === undefined || !span.sampled) return;
    if (this.#waiting.length >= MAX_WAITING) return this.#onDropped(1);
    this.#waiting.push(otlpSpan(span, entry));
    this.#timer ??= setTimeout(() => this.#send(), PERIOD).unref();
  }

  #send(): void {
    this.#timer = undefined;
    if (this.#endpoint === undefined || this.#sending !== undefined || this.#waiting.length === 0) return;
    const spans = this.#waiting.splice(0, BATCH);
    const body = JSON.stringify({
      resourceSpans: [
        {
          resource: { attributes: attributesOf(this.#resource()) },
          scopeSpans: [{ scope: { name: 'mesh-proxy' }, spans }],
        },
      ],
    });
    let settled = false;
    let deadline: NodeJS.Timeout | undefined;
    const settle = (error?: string): void => {
      if (settled) return;
      settled = true;
      clearTimeout(deadline);
      this.#sending = undefined;
      if (error !== undefined) {
        this.#onDropped(spans.length);
        if (!this.#failing)
          this.#log.warn({ error, endpoint: this.#endpoint }, 'spans are lost: the collector does not take them');
      }
      this.#failing = error !== undefined;
      if (this.#waiting.length > 0) this.#timer ??= setTimeout(() => this.#send(), PERIOD).unref();
    };
    try {
      const request = requestBy(this.#endpoint)(this.#endpoint, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
      })
        .on('response', (response) => {
          response.resume();
          const { statusCode = 0 } = response;
          response.on('close', () => settle(statusCode < 300 ? undefined : `status ${statusCode}`));
        })
        .on('error', (error) => settle(error.message));
      this.#sending = request;
      request.end(body);
      // Of the whole: an answer that goes on for ever would keep all further spans waiting.
      deadline = setTimeout(() => {
        settle('no answer in time');
        request.destroy();
      }, this.#timeout).unref();
    } catch (error) {
      settle((error as Error).message);
    }
  }

  /** What still waits is sent, as far as one request goes. */
  close(): void {
    clearTimeout(this.#timer);
    this.#send();
  }
}

function otlpSpan({ traceId, spanId, parentId }: Span, entry: AccessEntry): object {
  const start = BigInt(Date.parse(entry.time)) * 1_000_000n;
  const end = start + BigInt(Math.round(entry.durationMs * 1e6));
  const failed = entry.cause !== undefined;
  return {
    traceId,
    spanId,
    ...(parentId !== undefined && { parentSpanId: parentId }),
    // A path is not one of few: OpenTelemetry's name of a span without a route is its method.
    name: entry.method ?? 'HTTP',
    kind: entry.direction === 'outbound' ? KIND_CLIENT : KIND_SERVER,
    startTimeUnixNano: String(start),
    endTimeUnixNano: String(end),
    attributes: attributesOf({
      'http.request.method': entry.method,
      'url.path': entry.path?.split('?', 1)[0],
      'server.address': entry.authority,
      'http.response.status_code': entry.status,
      'rpc.grpc.status_code': entry.grpcStatus,
      'peer.service': entry.direction === 'outbound' ? entry.destination : entry.source,
      response_flags: entry.flags,
    }),
    status: failed ? { code: STATUS_ERROR, message: entry.cause } : {},
  };
}

function attributesOf(values: Readonly<Record<string, string | number | undefined>>): object[] {
  return Object.entries(values).flatMap(([key, value]) =>
    value === undefined
      ? []
      : [{ key, value: typeof value === 'number' ? { intValue: String(value) } : { stringValue: value } }],
  );
}

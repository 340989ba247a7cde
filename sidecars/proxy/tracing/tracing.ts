/** A span for each request that passes a proxy, by OpenTelemetry's conventions for HTTP servers. */
import { isIP } from 'node:net';
import type { Values } from '#kit/contract/parameters.ts';
import type { Logger } from '#kit/telemetry/log.ts';
import type { Counter } from '#kit/telemetry/series.ts';
import type { Scope } from '#kit/tracing/encoding.ts';
import { epochNow } from '#kit/time/epoch.ts';
import { SpanExporter } from '#kit/tracing/exporter.ts';
import { tracingSettings, type tracingParameters } from '#kit/tracing/parameters.ts';
import type { Sampler } from '#kit/tracing/sampler.ts';
import { failureEvent, type Attributes, type SpanContext, type SpanRecord } from '#kit/tracing/span.ts';
import type { Filter, FilteredExchange } from '#proxy/filters/filter.ts';
import { portOf, withoutPort } from '#proxy/http/host.ts';
import type { Request } from '#proxy/http/request.ts';
import { METHODS } from '#proxy/http/methods.ts';
import { spanName } from './name.ts';
import type { Response } from '#proxy/http/response.ts';
import { beginSpan } from './context.ts';
import { failureOf } from './failure.ts';

export interface TracingOptions {
  readonly parameters: Values<typeof tracingParameters>;
  readonly log: Pick<Logger, 'warn' | 'info'>;
  /** The sidecar and its version. */
  readonly scope: Scope;
  readonly metrics: SpanMetrics;
  /** Attributes that a response tells, of sampled requests. */
  readonly describe?: (response: Response) => Attributes;
}

export interface SpanMetrics {
  readonly exported: Counter;
  readonly dropped: Counter;
}

export interface Tracing {
  /** The first of a proxy's filters: none where nothing is traced. */
  readonly filters: readonly Filter[];
  /** For what is no request by HTTP; undefined where nothing is traced. */
  readonly spans: { readonly sampler: Sampler; readonly export: (span: SpanRecord) => void } | undefined;
  /** Send what still waits, within a short time. */
  close(): Promise<void>;
}

/**
 * Trace as the parameters say.
 * @throws {ConfigurationError}
 */
export function startTracing({
  parameters,
  log,
  scope: { name, version },
  metrics,
  describe,
}: TracingOptions): Tracing {
  const scope = { name, version };
  const { collector, sampler, resource } = tracingSettings(parameters);
  if (collector === undefined) return { filters: [], spans: undefined, close: async () => {} };
  const exporter = new SpanExporter({
    log,
    resource: () => ({ 'service.name': scope.name, ...resource }),
    scope,
    onExported: (spans) => metrics.exported.inc(spans),
    onDropped: (spans) => metrics.dropped.inc(spans),
  });
  exporter.update(collector);
  const described = new WeakMap<FilteredExchange, Attributes>();
  const filter: Filter = {
    onRequest(exchange) {
      exchange.span = beginSpan(exchange.request, sampler);
    },
    ...(describe && {
      onResponse(exchange: FilteredExchange, response: Response) {
        if (exchange.span?.sampled === true) described.set(exchange, describe(response));
      },
    }),
    onEnd(exchange) {
      const { span } = exchange;
      if (span?.sampled === true) exporter.export(serverSpan(span, exchange, described.get(exchange)));
    },
  };
  return {
    filters: [filter],
    spans: { sampler, export: (span) => exporter.export(span) },
    close: () => exporter.close(),
  };
}

/** An exchange that is over as a span (https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server). */
function serverSpan(context: SpanContext, exchange: FilteredExchange, more: Attributes | undefined): SpanRecord {
  const { request, status, startedAt, route } = exchange;
  const failure = failureOf(exchange);
  const time = epochNow();
  return {
    context,
    name: spanName(request.method, route),
    kind: 'server',
    start: time - (performance.now() - startedAt),
    end: time,
    attributes: {
      ...requestAttributes(request, exchange.downstream.secure),
      'http.route': route,
      'http.response.status_code': status === 0 ? undefined : status,
      'network.peer.address': exchange.downstream.remoteAddress,
      'error.type': failure?.error === true ? failure.type : undefined,
      ...more,
    },
    events: failure === undefined ? [] : [failureEvent(time, failure.type, failure.sentence)],
    error: failure?.error === true ? failure.sentence : undefined,
  };
}

/** The query is left out: it may hold secrets. */
function requestAttributes(request: Request, secure: boolean): Attributes {
  const { method, authority } = request;
  const known = METHODS.has(method);
  const proto = request.get('x-forwarded-proto');
  const port = portOf(authority);
  return {
    'http.request.method': known ? method : '_OTHER',
    'http.request.method_original': known ? undefined : method,
    'url.path': request.path,
    'url.scheme': secure || proto === 'https' ? 'https' : 'http',
    'server.address': authority === '' ? undefined : hostOf(authority),
    'server.port': port === undefined ? undefined : Number(port),
    'user_agent.original': request.get('user-agent'),
  };
}

/** An address of IPv6 without its brackets. */
function hostOf(authority: string): string {
  const host = withoutPort(authority);
  if (!host.startsWith('[')) return host;
  const bare = host.replace(/^\[|\]$/g, '');
  return isIP(bare) === 6 ? bare : host;
}

/** A collector of spans: OTLP over HTTP, as JSON and as protobuf (opentelemetry-proto, ExportTraceServiceRequest). */
import { createServer } from 'node:http';
import { listening } from './listening.ts';
import { asJson } from './otlp.ts';
import { readAll } from './read-all.ts';

/** A span, as far as it is looked at. */
export interface Span {
  readonly service: string;
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for a root. */
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: number;
}

interface Export {
  readonly resourceSpans?: readonly {
    readonly resource?: {
      readonly attributes?: readonly { readonly key: string; readonly value: { readonly stringValue?: string } }[];
    };
    readonly scopeSpans?: readonly {
      readonly spans?: readonly (Omit<Span, 'service' | 'parentSpanId'> & { readonly parentSpanId?: string })[];
    }[];
  }[];
}

const PORT = 4318;
/** The oldest are forgotten. */
const KEPT = 20_000;

/** Take spans at /v1/traces, and tell those of a trace at /spans?trace=ID. */
export async function collect(): Promise<void> {
  const spans: Span[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const url = new URL(request.url!, 'http://localhost');
      if (request.method === 'POST' && url.pathname === '/v1/traces') {
        const body = await readAll(request);
        const text = request.headers['content-type'] === 'application/x-protobuf' ? asJson(body) : body.toString();
        spans.push(...spansOf(JSON.parse(text) as Export));
        spans.splice(0, Math.max(0, spans.length - KEPT));
        response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
        return;
      }
      const trace = url.searchParams.get('trace');
      response.end(JSON.stringify(spans.filter(({ traceId }) => traceId === trace)));
    })().catch((error: unknown) => response.writeHead(400).end(String(error)));
  });
  await listening(server, PORT);
}

function spansOf({ resourceSpans = [] }: Export): Span[] {
  return resourceSpans.flatMap(({ resource, scopeSpans = [] }) => {
    const service = resource?.attributes?.find(({ key }) => key === 'service.name')?.value.stringValue ?? '';
    return scopeSpans.flatMap(({ spans = [] }) =>
      spans.map(({ traceId, spanId, parentSpanId = '', name, kind }) => ({
        service,
        traceId,
        spanId,
        parentSpanId,
        name,
        kind,
      })),
    );
  });
}

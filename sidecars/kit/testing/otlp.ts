/** OTLP as a collector reads it: by the schema of opentelemetry-proto, with a decoder that is none of ours. */
import type { IncomingHttpHeaders } from 'node:http';
import { gunzipSync } from 'node:zlib';
import protobuf from 'protobufjs';

/** The messages of opentelemetry-proto 1.x that a request for traces has, with the fields that are read here. */
const SCHEMA = `
syntax = "proto3";
message ExportTraceServiceRequest { repeated ResourceSpans resource_spans = 1; }
message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
message Resource { repeated KeyValue attributes = 1; }
message ScopeSpans { InstrumentationScope scope = 1; repeated Span spans = 2; }
message InstrumentationScope { string name = 1; string version = 2; }
message Span {
  bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; bytes parent_span_id = 4; string name = 5;
  SpanKind kind = 6; fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8;
  repeated KeyValue attributes = 9; repeated Event events = 11; Status status = 15;
  enum SpanKind { UNSPECIFIED = 0; INTERNAL = 1; SERVER = 2; CLIENT = 3; }
  message Event { fixed64 time_unix_nano = 1; string name = 2; repeated KeyValue attributes = 3; }
}
message Status { string message = 2; StatusCode code = 3; enum StatusCode { UNSET = 0; OK = 1; ERROR = 2; } }
message KeyValue { string key = 1; AnyValue value = 2; }
message AnyValue { oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4; } }
message ExportTraceServiceResponse { ExportTracePartialSuccess partial_success = 1; }
message ExportTracePartialSuccess { int64 rejected_spans = 1; string error_message = 2; }
`;
const ROOT = protobuf.parse(SCHEMA).root;
const REQUEST = ROOT.lookupType('ExportTraceServiceRequest');
/** Of a request, unpacked. */
const MAX_BODY = 16 * 1024 * 1024;
const RESPONSE = ROOT.lookupType('ExportTraceServiceResponse');

interface Wire {
  readonly attributes?: readonly { key: string; value: Readonly<Record<string, unknown>> }[];
}
interface WireSpan extends Wire {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number | string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly events?: readonly (Wire & { name: string })[];
  readonly status?: { code?: number | string; message?: string };
}

/** A span as it arrived; ids in hexadecimal digits. */
export interface CollectedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly name: string;
  readonly kind: 'server' | 'client' | 'other';
  /** Nanoseconds since the epoch. */
  readonly start: bigint;
  readonly end: bigint;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly events: readonly { readonly name: string; readonly attributes: Readonly<Record<string, unknown>> }[];
  /** Its status is an error; '' for one without a message. */
  readonly error: string | undefined;
  readonly resource: Readonly<Record<string, unknown>>;
  readonly scope: string;
}

/** A collector's answer that refuses some spans of a batch. */
export const partialSuccess = (rejectedSpans: number): Uint8Array =>
  RESPONSE.encode(RESPONSE.fromObject({ partialSuccess: { rejectedSpans, errorMessage: 'too old' } })).finish();

/**
 * The spans of a request for `/v1/traces`.
 * @throws {Error} for what is no such request
 */
export function spansOf(sent: Buffer, headers: IncomingHttpHeaders): CollectedSpan[] {
  const body = headers['content-encoding'] === 'gzip' ? gunzipSync(sent, { maxOutputLength: MAX_BODY }) : sent;
  const binary = headers['content-type'] === 'application/x-protobuf';
  const request = (
    binary
      ? REQUEST.toObject(REQUEST.decode(body), { longs: String, enums: Number, bytes: String })
      : JSON.parse(String(body))
  ) as {
    resourceSpans: { resource: Wire; scopeSpans: { scope: { name: string; version: string }; spans: WireSpan[] }[] }[];
  };
  const hex = (id: string): string => (binary ? Buffer.from(id, 'base64').toString('hex') : id);
  return request.resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ scope, spans }) =>
      spans.map((span) => ({
        traceId: hex(span.traceId),
        spanId: hex(span.spanId),
        parentSpanId: span.parentSpanId && hex(span.parentSpanId),
        name: span.name,
        kind: span.kind === 2 ? ('server' as const) : span.kind === 3 ? ('client' as const) : ('other' as const),
        start: BigInt(span.startTimeUnixNano),
        end: BigInt(span.endTimeUnixNano),
        attributes: attributesOf(span),
        events: (span.events ?? []).map((event) => ({ name: event.name, attributes: attributesOf(event) })),
        error: span.status?.code === 2 ? (span.status.message ?? '') : undefined,
        resource: attributesOf(resource),
        scope: `${scope.name} ${scope.version}`,
      })),
    ),
  );
}

function attributesOf({ attributes = [] }: Wire): Record<string, unknown> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => {
      const [type, content] = Object.entries(value)[0]!;
      return [key, type === 'intValue' ? Number(content) : content];
    }),
  );
}

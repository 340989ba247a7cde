/** An export of spans as a message of protobuf (opentelemetry-proto, ExportTraceServiceRequest), as far as it is looked at. */
import protobuf from 'protobufjs';

const repeated = (type: string, id: number) => ({ rule: 'repeated', type, id });

const EXPORT = protobuf.Root.fromJSON({
  nested: {
    Export: { fields: { resourceSpans: repeated('ResourceSpans', 1) } },
    ResourceSpans: { fields: { resource: { type: 'Resource', id: 1 }, scopeSpans: repeated('ScopeSpans', 2) } },
    Resource: { fields: { attributes: repeated('KeyValue', 1) } },
    KeyValue: { fields: { key: { type: 'string', id: 1 }, value: { type: 'AnyValue', id: 2 } } },
    AnyValue: { fields: { stringValue: { type: 'string', id: 1 } } },
    ScopeSpans: { fields: { spans: repeated('Span', 2) } },
    Span: {
      fields: {
        traceId: { type: 'bytes', id: 1 },
        spanId: { type: 'bytes', id: 2 },
        parentSpanId: { type: 'bytes', id: 4 },
        name: { type: 'string', id: 5 },
        kind: { type: 'int32', id: 6 },
      },
    },
  },
}).lookupType('Export');

/** It as OTLP's JSON: identifiers in hex. @throws where the bytes are no such message */
export function asJson(message: Buffer): string {
  const plain = EXPORT.toObject(EXPORT.decode(message), { bytes: Array });
  return JSON.stringify(plain, (key, value: unknown) =>
    key.endsWith('Id') ? Buffer.from(value as number[]).toString('hex') : value,
  );
}

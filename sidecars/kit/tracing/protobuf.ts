/**
 * OTLP as protocol buffers. Field numbers are those of opentelemetry/proto/trace/v1/trace.proto and
 * collector/trace/v1/trace_service.proto.
 */
import { bytes, double, fixed64, integer, message, text as textField } from '../text/protobuf.ts';
import { bounded, KINDS, nanoseconds, STATUS_ERROR, type Encoding } from './encoding.ts';
import type { Attributes } from './span.ts';

export const protobuf: Encoding = {
  contentType: 'application/x-protobuf',

  span({ context, name, kind, start, end, attributes, events, error }) {
    return Buffer.concat([
      bytes(1, Buffer.from(context.traceId, 'hex')),
      bytes(2, Buffer.from(context.spanId, 'hex')),
      ...(context.parentId === undefined ? [] : [bytes(4, Buffer.from(context.parentId, 'hex'))]),
      text(5, name),
      integer(6, KINDS[kind]),
      time(7, start),
      time(8, end),
      ...fieldsOf(9, attributes),
      ...events.map((event) =>
        message(11, [time(1, event.time), text(2, event.name), ...fieldsOf(3, event.attributes)]),
      ),
      ...(error === undefined ? [] : [message(15, [text(2, error), integer(3, STATUS_ERROR)])]),
    ]);
  },

  batch(resource, { name, version }, spans) {
    const scope = message(1, [text(1, name), text(2, version)]);
    const scopeSpans = message(2, [scope, ...spans.map((span) => bytes(2, span))]);
    return message(1, [message(1, fieldsOf(1, resource)), scopeSpans]);
  },

  rejected(answer) {
    // ExportTraceServiceResponse.partial_success (1) . rejected_spans (1); what comes first in both, as encoders write it.
    const length = answer[0] === 0x0a ? (answer[1] ?? 0) : 0;
    if (length < 2 || answer[2] !== 0x08) return 0;
    let count = 0;
    for (let index = 3; index < Math.min(answer.length, 8); index++) {
      count += (answer[index]! & 0x7f) * 2 ** (7 * (index - 3));
      if (answer[index]! < 0x80) return count;
    }
    return 0;
  },
};

const text = (field: number, value: string): Buffer => textField(field, bounded(value));

const time = (field: number, value: number): Buffer => fixed64(field, nanoseconds(value));

function fieldsOf(field: number, attributes: Attributes): Buffer[] {
  const fields: Buffer[] = [];
  for (const key in attributes) {
    const value = attributes[key];
    if (value !== undefined) fields.push(message(field, [text(1, key), bytes(2, valueOf(value))]));
  }
  return fields;
}

function valueOf(value: string | number | boolean): Buffer {
  if (typeof value === 'string') return text(1, value);
  if (typeof value === 'boolean') return integer(2, value ? 1 : 0);
  return Number.isSafeInteger(value) && value >= 0 ? integer(3, value) : double(4, value);
}

/** OTLP as JSON: lower camel case, ids in hexadecimal digits, 64-bit numbers as text. */
import { bounded, KINDS, nanoseconds, STATUS_ERROR, type Encoding } from './encoding.ts';
import type { Attributes } from './span.ts';

export const json: Encoding = {
  contentType: 'application/json',

  span({ context, name, kind, start, end, attributes, events, error }) {
    return Buffer.from(
      JSON.stringify({
        traceId: context.traceId,
        spanId: context.spanId,
        ...(context.parentId !== undefined && { parentSpanId: context.parentId }),
        name: bounded(name),
        kind: KINDS[kind],
        startTimeUnixNano: String(nanoseconds(start)),
        endTimeUnixNano: String(nanoseconds(end)),
        attributes: listOf(attributes),
        ...(events.length > 0 && {
          events: events.map((event) => ({
            timeUnixNano: String(nanoseconds(event.time)),
            name: event.name,
            attributes: listOf(event.attributes),
          })),
        }),
        status: error === undefined ? {} : { code: STATUS_ERROR, message: bounded(error) },
      }),
    );
  },

  batch(resource, scope, spans) {
    const before = `{"resourceSpans":[{"resource":${JSON.stringify({ attributes: listOf(resource) })},"scopeSpans":[{"scope":${JSON.stringify(scope)},"spans":[`;
    const parts: Buffer[] = [Buffer.from(before)];
    for (const [index, span] of spans.entries()) {
      if (index > 0) parts.push(COMMA);
      parts.push(span);
    }
    return Buffer.concat([...parts, END]);
  },

  rejected(answer) {
    try {
      const { partialSuccess } = JSON.parse(answer.toString()) as { partialSuccess?: { rejectedSpans?: unknown } };
      const count = Number(partialSuccess?.rejectedSpans ?? 0);
      return count > 0 ? count : 0;
    } catch {
      return 0;
    }
  },
};

const COMMA = Buffer.from(',');
const END = Buffer.from(']}]}]}');

function listOf(attributes: Attributes): object[] {
  return Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [{ key, value: valueOf(value) }],
  );
}

function valueOf(value: string | number | boolean): object {
  if (typeof value === 'string') return { stringValue: bounded(value) };
  if (typeof value === 'boolean') return { boolValue: value };
  return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}

/** The traceparent field: https://www.w3.org/TR/trace-context/#traceparent-header */

export interface TraceParent {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  readonly sampled: boolean;
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const ZEROS = /^0+$/;

/** @param values of all its lines @returns undefined for a field that cannot be read, or is there twice */
export function readTraceparent(values: readonly string[]): TraceParent | undefined {
  const [, version, traceId, spanId, flags, more] = (values.length === 1 && TRACEPARENT.exec(values[0]!)) || [];
  if (traceId === undefined || version === 'ff' || (version === '00' && more !== undefined)) return undefined;
  if (ZEROS.test(traceId) || ZEROS.test(spanId!)) return undefined;
  return { traceId, spanId: spanId!, sampled: (parseInt(flags!, 16) & 1) === 1 };
}

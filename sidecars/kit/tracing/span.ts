/** Spans as OpenTelemetry has them (https://opentelemetry.io/docs/specs/otel/trace/api/). */

/** What of a span goes on to the next hop. */
export interface SpanContext {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  /** The span before, in the same digits; undefined where the trace begins here. */
  readonly parentId: string | undefined;
  readonly sampled: boolean;
}

/** A value that is undefined is left out. */
export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

export interface SpanEvent {
  readonly name: string;
  /** Since the epoch, in milliseconds. */
  readonly time: number;
  readonly attributes: Attributes;
}

/** A span that is over. */
export interface SpanRecord {
  readonly context: SpanContext;
  readonly name: string;
  readonly kind: 'server' | 'client';
  /** Since the epoch, in milliseconds with fractions. */
  readonly start: number;
  readonly end: number;
  readonly attributes: Attributes;
  readonly events: readonly SpanEvent[];
  /** Why it failed; undefined where it did not. */
  readonly error: string | undefined;
}

/** The event of a failure, by the conventions for exceptions. @param type a name of few @param message a sentence */
export const failureEvent = (time: number, type: string, message: string): SpanEvent => ({
  name: 'exception',
  time,
  attributes: { 'exception.type': type, 'exception.message': message },
});

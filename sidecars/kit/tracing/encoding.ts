/** How spans are written for a collector: OTLP 1 (https://opentelemetry.io/docs/specs/otlp/#otlphttp). */
import type { Attributes, SpanRecord } from './span.ts';

/** One of OTLP's two encodings. Spans are encoded when they end: what waits is bytes that can be counted. */
export interface Encoding {
  readonly contentType: string;
  span(span: SpanRecord): Buffer;
  /** A whole request. @param scope who made the spans @param spans of `span` */
  batch(resource: Attributes, scope: Scope, spans: readonly Buffer[]): Buffer;
  /** How many spans a collector's answer to a batch refuses; 0 for an answer that cannot be read. */
  rejected(answer: Buffer): number;
}

export interface Scope {
  readonly name: string;
  readonly version: string;
}

/** Values of enumerations in trace.proto. */
export const KINDS = { server: 2, client: 3 } as const;
export const STATUS_ERROR = 2;

/** Most characters of what a client chose, such as a path; the rest is cut. */
const MAX_TEXT = 1024;

/** A text as long as a span may have it. */
export const bounded = (text: string): string => (text.length > MAX_TEXT ? text.slice(0, MAX_TEXT) : text);

/** @param time since the epoch, in milliseconds with fractions @returns nanoseconds */
export function nanoseconds(time: number): bigint {
  const whole = Math.floor(time);
  return BigInt(whole) * 1_000_000n + BigInt(Math.round((time - whole) * 1e6));
}

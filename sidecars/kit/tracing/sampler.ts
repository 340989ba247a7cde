/** Which traces are sent to a collector (https://opentelemetry.io/docs/specs/otel/trace/sdk/#sampling). */

/**
 * Decide about a span.
 * @param parent what the span before decided; undefined where there is none, or it left the decision open
 */
export type Sampler = (traceId: string, parent: boolean | undefined) => boolean;

export const SAMPLERS = [
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
  'always_on',
  'always_off',
  'traceidratio',
] as const;

/** @param ratio of the traces that a `traceidratio` samples, 0 to 1 */
export function createSampler(name: (typeof SAMPLERS)[number], ratio: number): Sampler {
  const root = rootOf(name.replace('parentbased_', ''), ratio);
  return name.startsWith('parentbased_') ? (traceId, parent) => parent ?? root(traceId) : root;
}

/** Where the digits of a trace id begin that decide, and how many they are. */
const FROM = 18;
const DIGITS = 13;

function rootOf(name: string, ratio: number): (traceId: string) => boolean {
  if (name === 'always_on') return () => true;
  if (name === 'always_off' || ratio <= 0) return () => false;
  if (ratio >= 1) return () => true;
  // The last 56 bits are the random ones (W3C Trace Context Level 2), of which a number holds 52 exactly: all who
  // see the same trace with the same ratio decide alike. Digits of the same length compare as their numbers do.
  const threshold = Math.min(Math.ceil((1 - ratio) * 2 ** 52), 2 ** 52 - 1)
    .toString(16)
    .padStart(DIGITS, '0');
  const first = threshold.charCodeAt(0);
  return (traceId) => traceId.charCodeAt(FROM) >= first && traceId.slice(FROM, FROM + DIGITS) >= threshold;
}

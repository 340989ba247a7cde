/** What is counted of spans. */
import type { MetricDeclarations } from '#kit/telemetry/metrics.ts';

type Declared<Prefix extends string> = {
  readonly [Name in `${Prefix}_spans_exported_total` | `${Prefix}_spans_dropped_total`]: {
    readonly type: 'counter';
    readonly help: string;
  };
};

/** The metrics of spans, for a contract. @param prefix as `tls` */
export function spanMetrics<const Prefix extends string>(prefix: Prefix): Declared<Prefix> {
  return {
    [`${prefix}_spans_exported_total`]: { type: 'counter', help: 'Spans that the collector took' },
    [`${prefix}_spans_dropped_total`]: {
      type: 'counter',
      help: 'Spans that were lost: the collector did not take them, or too many waited for it',
    },
  } satisfies MetricDeclarations as unknown as Declared<Prefix>;
}

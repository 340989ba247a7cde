/** What is counted of spans. */
import type { Alerts } from '#kit/contract/alerts.ts';
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
    [`${prefix}_spans_exported_total`]: {
      type: 'counter',
      help: 'Spans that the collector took',
      bad: 'no rise while requests are sampled',
    },
    [`${prefix}_spans_dropped_total`]: {
      type: 'counter',
      help: 'Spans that were lost: the collector did not take them, or too many waited for it',
      bad: 'any: traces have holes',
    },
  } satisfies MetricDeclarations as unknown as Declared<Prefix>;
}

/**
 * The rule about spans that are lost, for a contract.
 * @param prefix of the metrics @param alert the sidecar as alerts name it: `Tls`
 */
export const spanAlerts = (prefix: string, alert: string): Alerts => ({
  [`${alert}SpansDropped`]: {
    expr: `increase(${prefix}_spans_dropped_total[15m]) > 0`,
    for: '15m',
    severity: 'warning',
    summary: `The ${prefix} sidecar loses spans: traces have holes.`,
    runbook:
      'Its log says why the collector does not take them: a wrong OTEL_EXPORTER_OTLP_ENDPOINT, a certificate that OTEL_EXPORTER_OTLP_CERTIFICATE does not cover, a token that is refused, or a collector that is down. Where more spans come than it takes, sample fewer: OTEL_TRACES_SAMPLER=parentbased_traceidratio with OTEL_TRACES_SAMPLER_ARG. Requests are not held up.',
  },
});

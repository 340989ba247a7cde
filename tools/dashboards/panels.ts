/** A metric of a contract as a panel of Grafana. */
import type { MetricDeclaration } from '#kit/telemetry/metrics.ts';

/** A panel of Grafana's dashboard model, schema 39; without its place. */
export interface Panel {
  readonly type: 'timeseries' | 'stat' | 'table' | 'alertlist' | 'row';
  readonly title: string;
  readonly description?: string;
  readonly [key: string]: unknown;
}

export const DATASOURCE = { type: 'prometheus', uid: '${datasource}' } as const;
/** Labels by which a line has a name of its own; more of them are summed up, since nobody tells forty lines apart. */
const LABELS_SHOWN = 2;
const SELECTOR = '{job=~"$job", instance=~"$instance"}';

/** Grafana's unit for a metric, told by the unit that its name ends in, as Prometheus' naming has it. */
export function unitOf(name: string, type: MetricDeclaration['type']): string {
  const base = name.replace(/_total$/, '');
  const unit =
    base.endsWith('_timestamp_seconds') || base.endsWith('_not_after_seconds') || base.endsWith('_start_time_seconds')
      ? 'dateTimeAsIso'
      : base.endsWith('_bytes')
        ? 'bytes'
        : base.endsWith('_milliseconds')
          ? 'ms'
          : base.endsWith('_seconds')
            ? 's'
            : base.endsWith('_percent')
              ? 'percent'
              : 'short';
  if (type !== 'counter') return unit;
  return unit === 'bytes' ? 'Bps' : unit === 's' ? 'percentunit' : 'ops';
}

/** What one panel shows of a metric, as PromQL and the name of each line. */
export function queriesOf(
  name: string,
  { type, labels = [] }: MetricDeclaration,
): readonly { readonly expr: string; readonly legendFormat: string }[] {
  const by = ['instance', ...labels.slice(0, LABELS_SHOWN)];
  const legendFormat = by.map((label) => `{{${label}}}`).join(' ');
  if (type === 'counter')
    return [{ expr: `sum by (${by.join(', ')}) (rate(${name}${SELECTOR}[$__rate_interval]))`, legendFormat }];
  if (type === 'gauge') return [{ expr: `max by (${by.join(', ')}) (${name}${SELECTOR})`, legendFormat }];
  return [0.5, 0.9, 0.99].map((quantile) => ({
    expr: `histogram_quantile(${quantile}, sum by (le) (rate(${name}_bucket${SELECTOR}[$__rate_interval])))`,
    legendFormat: `p${quantile * 100}`,
  }));
}

/** What a metric means, and what of it a person should look at. */
export const meaningOf = ({ help, bad }: MetricDeclaration): string =>
  bad === undefined ? help : `${help}. Bad: ${bad}.`;

/** A plot of a metric: a counter as what comes each second, a histogram as three quantiles. */
export function panelOf(name: string, metric: MetricDeclaration): Panel {
  return plot(name, meaningOf(metric), unitOf(name, metric.type), queriesOf(name, metric));
}

function plot(
  title: string,
  description: string,
  unit: string,
  queries: readonly { readonly expr: string; readonly legendFormat: string }[],
): Panel {
  return {
    type: 'timeseries',
    title,
    description,
    datasource: DATASOURCE,
    fieldConfig: { defaults: { unit, min: unit === 'dateTimeAsIso' ? undefined : 0 }, overrides: [] },
    targets: queries.map((query, index) => ({
      refId: String.fromCodePoint(65 + index),
      datasource: DATASOURCE,
      ...query,
    })),
  };
}

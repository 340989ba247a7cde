/**
 * Metrics as text: Prometheus' format (https://prometheus.io/docs/instrumenting/exposition_formats/), and OpenMetrics 1.0
 * for a scraper that asks for it, which alone has a place for exemplars.
 */
import type { Exemplar, Labels, MetricSnapshot, Sample } from './series.ts';

export type Format = 'prometheus' | 'openmetrics';

export const CONTENT_TYPES: Readonly<Record<Format, string>> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

/**
 * The format that a scraper prefers (RFC 9110, section 12.5.1): OpenMetrics where it is asked for with at least the weight of text/plain.
 * @param accept the Accept header
 */
export function formatFor(accept: string | undefined): Format {
  let [open, plain] = [0, 0];
  for (const range of (accept ?? '').slice(0, 2048).toLowerCase().split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim());
    const weight = Number(parameters.find((each) => each.startsWith('q='))?.slice(2) ?? 1);
    if (!(weight >= 0)) continue;
    const version = parameters.find((each) => each.startsWith('version='))?.slice(8);
    if (type === 'application/openmetrics-text' && (version === undefined || version === '1.0.0'))
      open = Math.max(open, weight);
    else if (type === 'text/plain') plain = Math.max(plain, weight);
  }
  return open > 0 && open >= plain ? 'openmetrics' : 'prometheus';
}

/** @param metrics each name once */
export function expose(metrics: readonly MetricSnapshot[], format: Format): string {
  const text = metrics.map((metric) => exposeOne(metric, format)).join('');
  return format === 'openmetrics' ? `${text}# EOF\n` : text;
}

function exposeOne({ name, help, type, values }: MetricSnapshot, format: Format): string {
  const open = format === 'openmetrics';
  // In OpenMetrics a counter's family has no suffix, and its samples have `_total`: a counter of another name keeps it as unknown.
  const total = name.endsWith('_total');
  const family = open && total ? name.slice(0, -'_total'.length) : name;
  const kind = open && type === 'counter' && !total ? 'unknown' : type;
  let text = `# HELP ${family} ${open ? quoted(help) : help.replace(/[\\\n]/g, escaped)}\n# TYPE ${family} ${kind}\n`;
  for (const each of values) text += line(name, each, open);
  return text;
}

function line(name: string, { labels, value, suffix, exemplar }: Sample, open: boolean): string {
  const shown = `${name}${suffix ?? ''}${braces(labels, open)} ${numberText(value)}`;
  return `${shown}${open && exemplar ? exemplarText(exemplar) : ''}\n`;
}

const exemplarText = ({ labels, value, time }: Exemplar): string =>
  ` # ${braces(labels, true) || '{}'} ${numberText(value)} ${time.toFixed(3)}`;

function braces(labels: Labels, open: boolean): string {
  let text = '';
  for (const [name, value] of Object.entries(labels)) {
    // OpenMetrics writes the bound of a bucket as a float.
    const shown = open && name === 'le' && Number.isInteger(value) ? `${value}.0` : String(value);
    text += `${text === '' ? '{' : ','}${name}="${quoted(shown)}"`;
  }
  return text === '' ? '' : `${text}}`;
}

const quoted = (text: string): string => (/[\\\n"]/.test(text) ? text.replace(/[\\\n"]/g, escaped) : text);

const escaped = (character: string): string => (character === '\n' ? String.raw`\n` : `\\${character}`);

function numberText(value: number): string {
  if (value === Infinity) return '+Inf';
  return value === -Infinity ? '-Inf' : String(value);
}

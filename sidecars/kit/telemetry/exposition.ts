/**
 * Metrics as a scraper asks for them (https://prometheus.io/docs/instrumenting/exposition_formats/): Prometheus' text,
 * OpenMetrics 1.0, which has a place for exemplars, and protocol buffers, which have one for native histograms, too.
 */
import { exposeFamilies } from './families.ts';
import type { Exemplar, Labels, MetricSnapshot, Sample } from './series.ts';

export type TextFormat = 'prometheus' | 'openmetrics';
export type Format = TextFormat | 'protobuf';

export const CONTENT_TYPES: Readonly<Record<Format, string>> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
  protobuf: 'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited',
};

/**
 * The format that a scraper prefers (RFC 9110, section 12.5.1): of equal weights the one that tells more.
 * @param accept the Accept header
 */
export function formatFor(accept: string | undefined): Format {
  const weights: Record<Format, number> = { protobuf: 0, openmetrics: 0, prometheus: 0 };
  for (const range of (accept ?? '').slice(0, 2048).toLowerCase().split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim());
    const valueOf = (name: string): string | undefined =>
      parameters.find((each) => each.startsWith(`${name}=`))?.slice(name.length + 1);
    const weight = Number(valueOf('q') ?? 1);
    const format = namedBy(type, valueOf);
    if (format !== undefined && weight > weights[format]) weights[format] = weight;
  }
  const { protobuf, openmetrics, prometheus } = weights;
  if (protobuf > 0 && protobuf >= openmetrics && protobuf >= prometheus) return 'protobuf';
  return openmetrics > 0 && openmetrics >= prometheus ? 'openmetrics' : 'prometheus';
}

/** @param valueOf a parameter's value */
function namedBy(type: string, valueOf: (name: string) => string | undefined): Format | undefined {
  if (type === 'text/plain') return 'prometheus';
  if (type === 'application/openmetrics-text')
    return ['1.0.0', undefined].includes(valueOf('version')) ? 'openmetrics' : undefined;
  // Other messages and encodings are other formats.
  const delimited = valueOf('proto') === 'io.prometheus.client.metricfamily' && valueOf('encoding') === 'delimited';
  return type === 'application/vnd.google.protobuf' && delimited ? 'protobuf' : undefined;
}

/** The answer to a scrape. @param metrics each name once */
export const exposition = (metrics: readonly MetricSnapshot[], format: Format): string | Buffer =>
  format === 'protobuf' ? exposeFamilies(metrics) : expose(metrics, format);

/** @param metrics each name once */
export function expose(metrics: readonly MetricSnapshot[], format: TextFormat): string {
  const text = metrics.map((metric) => exposeOne(metric, format)).join('');
  return format === 'openmetrics' ? `${text}# EOF\n` : text;
}

function exposeOne({ name, help, type, values }: MetricSnapshot, format: TextFormat): string {
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

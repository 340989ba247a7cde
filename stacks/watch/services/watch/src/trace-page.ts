/** The pages of requests: the newest ones, and the way of one. */
import type { CollectedSpan } from '#kit/testing/otlp.ts';
import { escaped, page } from './html.ts';
import type { Example, LogLine } from './sources.ts';
import { tree, type Trace } from './traces.ts';

/** An attribute's value as HTML. */
const shown = (value: unknown): string =>
  escaped(typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '');
const serviceOf = ({ resource }: CollectedSpan): string => shown(resource['service.name']) || 'unknown';
const milliseconds = (nanoseconds: bigint): string => `${(Number(nanoseconds) / 1e6).toFixed(2)} ms`;

/** Of several spans, from the first beginning to the last end. */
function extent(spans: readonly CollectedSpan[]): readonly [bigint, bigint] {
  const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);
  const most = (a: bigint, b: bigint): bigint => (a > b ? a : b);
  return [spans.map(({ start }) => start).reduce(least), spans.map(({ end }) => end).reduce(most)];
}

/** The newest requests, each with the sidecars that it passed. */
export function tracesPage(traces: readonly Trace[]): string {
  const rows = traces.map(({ id, spans }) => {
    const [start, end] = extent(spans);
    const placed = tree(spans);
    const root = placed[0]!.span;
    const failed = spans.some(({ error }) => error !== undefined);
    return `<li><a href="/trace/${escaped(id)}"><code>${escaped(id)}</code></a>
<span class="state" data-state="${failed ? 'bad' : 'good'}">${shown(root.attributes['http.response.status_code'])}</span>
${escaped(root.name)} ${shown(root.attributes['url.path'])} <small>${milliseconds(end - start)}: ${placed.map(({ span }) => serviceOf(span)).join(' → ')}</small></li>`;
  });
  const none = '<p>No span has come yet: open the shop.</p>';
  return page('Requests', rows.length === 0 ? none : `<ol class="rows">${rows.join('\n')}</ol>`, 5);
}

/** All that is known of one request. @param unknown why lines or exemplars could not be asked for */
export function tracePage(
  { id, spans }: Trace,
  lines: readonly LogLine[],
  exemplars: readonly Example[],
  unknown: readonly string[],
): string {
  const [start, end] = extent(spans);
  const rows = tree(spans).map(({ span, depth }) => spanRow(span, depth, start, end));
  return page(
    `Request ${id.slice(0, 8)}`,
    `<p><code>${escaped(id)}</code>, ${milliseconds(end - start)}</p>
${unknown.map((why) => `<p class="state" data-state="bad">${escaped(why)}</p>`).join('')}
<section><h2>Its way</h2><ol class="rows">${rows.join('\n')}</ol></section>
<section><h2>Log lines</h2><ol class="rows lines">${lines.map(lineRow).join('\n') || '<li>none</li>'}</ol></section>
<section><h2>Metrics that keep it as an example</h2><ul class="rows">${exemplars.map(exampleRow).join('\n') || '<li>none</li>'}</ul></section>`,
  );
}

function spanRow(span: CollectedSpan, depth: number, start: bigint, end: bigint): string {
  const whole = Number(end - start) || 1;
  const x = (Number(span.start - start) / whole) * 100;
  const width = Math.max((Number(span.end - span.start) / whole) * 100, 0.5);
  const attributes = Object.entries(span.attributes).map(
    ([name, value]) => `<code>${escaped(name)}: ${shown(value)}</code>`,
  );
  const events = span.events.map(
    ({ attributes: told }) => `<span class="event">${shown(told['exception.message'])}</span>`,
  );
  return `<li class="span" data-service="${serviceOf(span)}">
<span style="padding-left: ${depth}rem"><strong>${serviceOf(span)}</strong> ${escaped(span.name)} <small>${span.kind}, ${milliseconds(span.end - span.start)}</small></span>
<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" role="img" aria-label="${milliseconds(span.start - start)} after the beginning"><rect x="${x.toFixed(2)}" y="1" width="${width.toFixed(2)}" height="8"${span.error === undefined ? '' : ' class="failed"'}/></svg>
${events.join('')}<details><summary>${attributes.length} attributes</summary>${attributes.join('<br>')}</details></li>`;
}

function lineRow(line: LogLine): string {
  const { _time: time = '', _msg: message = '' } = line;
  const about = ['http.request.method', 'url.path', 'http.response.status_code', 'event.duration', 'event.reason']
    .flatMap((name) => (line[name] === undefined ? [] : [`${name}: ${line[name]}`]))
    .join(', ');
  return `<li data-service="${escaped(line['service.name'] ?? '')}"><strong>${escaped(line['service.name'] ?? line['container.name'] ?? '')}</strong> ${escaped(message)} <small>${escaped(about)} ${escaped(time)}</small></li>`;
}

function exampleRow({ metric: { __name__: name = '', ...labels }, value }: Example): string {
  const shown = Object.entries(labels).map(([label, text]) => `${label}="${text}"`);
  return `<li><code>${escaped(`${name}{${shown.join(', ')}}`)}</code> ${value}</li>`;
}

/** Grafana's dashboards, drawn without Grafana: the same JSON, the same queries. */
import type { Dashboard } from '../../../../../tools/dashboards/dashboard.ts';
import type { Panel } from '../../../../../tools/dashboards/panels.ts';
import { escaped, page } from './html.ts';
import type { Alert, Series, Sources } from './sources.ts';

/** What a dashboard shows, and how close its points are, in seconds. */
const SPAN = 600;
const STEP = 5;
/** Lines of one panel. */
const MAX_LINES = 12;
/** Panels that are asked for at a time. */
const AT_ONCE = 8;
const COLOURS = ['#1a63d8', '#c2570c', '#1a7f37', '#8250df', '#b4301f', '#0e7c86'];

interface Target {
  readonly expr: string;
  readonly legendFormat?: string;
}

/** Grafana's variables, all of each chosen. */
export const resolved = (expr: string): string =>
  expr.replaceAll('$__rate_interval', '15s').replaceAll(/\$(?:job|instance)\b/g, '.*');

export const targetsOf = ({ targets = [] }: Panel): readonly Target[] => targets as readonly Target[];

export function dashboardsPage(dashboards: ReadonlyMap<string, Dashboard>): string {
  const rows = [...dashboards].map(
    ([name, { title, description }]) =>
      `<li><a href="/dashboard/${escaped(name)}">${escaped(title)}</a> <small>${escaped(String(description))}</small></li>`,
  );
  return page('Dashboards', `<ul class="rows">${rows.join('\n')}</ul>`);
}

export function alertsPage(alerts: readonly Alert[]): string {
  const rows = alerts.map(
    ({ name, state, summary, runbook }) =>
      `<li><span class="state" data-state="bad">${escaped(state)}</span> <strong>${escaped(name)}</strong> ${escaped(summary)} <small>${escaped(runbook)}</small></li>`,
  );
  return page('Alerts', rows.length === 0 ? '<p>None.</p>' : `<ul class="rows">${rows.join('\n')}</ul>`, 5);
}

export async function dashboardPage({ title, panels, description }: Dashboard, sources: Sources): Promise<string> {
  const shown: string[] = [];
  for (let at = 0; at < panels.length; at += AT_ONCE)
    shown.push(...(await Promise.all(panels.slice(at, at + AT_ONCE).map((panel) => panelOf(panel, sources)))));
  return page(title, `<p>${escaped(String(description))}</p><div class="plots">${shown.join('\n')}</div>`, 15);
}

async function panelOf(panel: Panel, sources: Sources): Promise<string> {
  const { type, title, description = '' } = panel;
  if (type === 'row' || type === 'alertlist') return '';
  const answers = await Promise.all(
    targetsOf(panel).map(async ({ expr, legendFormat = '' }) =>
      (await sources.range(resolved(expr), SPAN, STEP)).map((series) => ({ ...series, legendFormat })),
    ),
  );
  const lines = answers.flat().filter(({ values }) => values.some(([, value]) => Number.isFinite(value)));
  const content = lines.length === 0 ? '<p>No data.</p>' : plot(lines, unitOf(panel));
  return `<figure><figcaption>${escaped(title)}</figcaption><p>${escaped(description)}</p>${content}</figure>`;
}

const unitOf = ({ fieldConfig }: Panel): string =>
  (fieldConfig as { defaults?: { unit?: string } } | undefined)?.defaults?.unit ?? 'short';

type Line = Series & { readonly legendFormat: string };

function plot(lines: readonly Line[], unit: string): string {
  const points = lines.flatMap(({ values }) => values.filter(([, value]) => Number.isFinite(value)));
  const times = points.map(([time]) => time);
  const [first, last] = [Math.min(...times), Math.max(...times)];
  const top = Math.max(...points.map(([, value]) => value)) || 1;
  const drawn = lines.slice(0, MAX_LINES).map(({ values }, index) => {
    const places = values
      .filter(([, value]) => Number.isFinite(value))
      .map(
        ([time, value]) =>
          `${(((time - first) / (last - first || 1)) * 100).toFixed(2)},${(38 - (value / top) * 36).toFixed(2)}`,
      );
    return `<polyline stroke="${COLOURS[index % COLOURS.length]}" points="${places.join(' ')}"/>`;
  });
  const names = lines
    .slice(0, MAX_LINES)
    .map(
      (line, index) =>
        `<li><span style="color: ${COLOURS[index % COLOURS.length]}">■</span> ${escaped(legend(line))}: ${escaped(shown(line.values.at(-1)![1], unit))}</li>`,
    );
  const more = lines.length > MAX_LINES ? `<li>and ${lines.length - MAX_LINES} more</li>` : '';
  return `<svg class="plot" viewBox="0 0 100 40" preserveAspectRatio="none" role="img" aria-label="the last ${SPAN / 60} minutes">${drawn.join('')}</svg><ul>${names.join('')}${more}</ul>`;
}

/** Grafana's `{{label}}`. */
const legend = ({ legendFormat, metric }: Line): string =>
  (legendFormat === ''
    ? Object.values(metric).join(' ')
    : legendFormat.replaceAll(/\{\{(\w+)\}\}/g, (_all, name: string) => metric[name] ?? '')) || 'value';

const SUFFIXES: Readonly<Record<string, string>> = {
  s: ' s',
  ms: ' ms',
  Bps: ' B/s',
  bytes: ' B',
  ops: ' /s',
  percent: ' %',
};

function shown(value: number, unit: string): string {
  if (unit === 'dateTimeAsIso') return Number.isFinite(value) ? new Date(value * 1000).toISOString() : '';
  return `${Number(value.toPrecision(3))}${SUFFIXES[unit] ?? ''}`;
}

/** Dashboards for Grafana: one for each sidecar, and one of everything in a pod. */
import { buildInfo } from '#kit/contract/alerts.ts';
import type { Contract } from '#kit/contract/contract.ts';
import { PROCESS_METRICS, type MetricDeclaration } from '#kit/telemetry/metrics.ts';
import { DATASOURCE, panelOf, type Panel } from './panels.ts';

/** Grafana's own: a row of panels is 24 wide. */
const WIDTH = 24;
const HEIGHT = 8;

/** A dashboard as Grafana imports it. Source: grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model */
export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly panels: readonly Panel[];
  readonly [key: string]: unknown;
}

const row = (title: string): Panel => ({ type: 'row', title, collapsed: false, panels: [] });

/** What the processes themselves take: every sidecar has these metrics. */
const PROCESS: readonly Panel[] = [
  row('What it takes'),
  ...Object.entries(PROCESS_METRICS).map(([name, metric]) => panelOf(name, metric)),
];

/** All metrics of one sidecar, its alerts first, those of its process last. */
export function dashboardOf(contract: Contract): Dashboard {
  const version = buildInfo(contract.name);
  const own = Object.entries(contract.metrics).filter(([name]) => name !== version && !(name in PROCESS_METRICS));
  return dashboard(`sidecar-${contract.name}`, `Sidecar ${contract.name}`, contract.description, version, [
    ...head(version, Object.keys(contract.alerts)),
    row('What it does'),
    ...own.map(([name, metric]) => panelOf(name, metric)),
    ...PROCESS,
  ]);
}

/**
 * Everything that runs beside applications: versions, alerts, requests and errors of those that stand in a request's
 * way, memory and CPU of all.
 */
export function podDashboard(contracts: readonly Contract[]): Dashboard {
  const names = contracts.map(({ name }) => buildInfo(name)).join('|');
  const panels = (type: MetricDeclaration['type'], names: RegExp): Panel[] =>
    contracts.flatMap(({ metrics }) =>
      Object.entries(metrics)
        .filter(([name, metric]) => metric.type === type && names.test(name))
        .map(([name, metric]) => panelOf(name, metric)),
    );
  return dashboard(
    'sidecar-pods',
    'Sidecars: pods',
    'All sidecars at once: what runs, what is wrong, what it takes.',
    `{__name__=~"${names}"}`,
    [
      ...head(
        `{__name__=~"${names}"}`,
        contracts.flatMap(({ alerts }) => Object.keys(alerts)),
      ),
      row('Requests'),
      ...panels('counter', /_requests_total$/),
      ...panels('histogram', /_request_duration_/),
      row('What is wrong'),
      ...panels('counter', /_(?:upstream|internal)_errors_total$/),
      ...panels('gauge', /_(?:app|provider|target)_up$/),
      ...PROCESS,
    ],
  );
}

/** What runs, and which of these alerts fire. */
const head = (version: string, alerts: readonly string[]): Panel[] => [
  {
    type: 'table',
    title: 'Versions',
    datasource: DATASOURCE,
    targets: [
      {
        refId: 'A',
        datasource: DATASOURCE,
        expr: `max by (instance, version) (${version})`,
        format: 'table',
        instant: true,
      },
    ],
  },
  {
    type: 'alertlist',
    title: 'Alerts',
    datasource: DATASOURCE,
    options: { alertName: '', alertInstanceLabelFilter: `{alertname=~"${alerts.join('|')}"}`, viewMode: 'list' },
  },
];

function dashboard(
  uid: string,
  title: string,
  description: string,
  version: string,
  panels: readonly Panel[],
): Dashboard {
  const variable = (name: string, query: string) => ({
    name,
    type: 'query',
    datasource: DATASOURCE,
    query,
    refresh: 2,
    multi: true,
    includeAll: true,
    current: { text: 'All', value: '$__all' },
  });
  return {
    uid,
    title,
    description,
    tags: ['sidecar'],
    schemaVersion: 39,
    editable: true,
    time: { from: 'now-1h', to: 'now' },
    refresh: '30s',
    templating: {
      list: [
        { name: 'datasource', type: 'datasource', query: 'prometheus' },
        variable('job', `label_values(${version}, job)`),
        variable('instance', `label_values(${version}, instance)`),
      ],
    },
    panels: placed(panels),
  };
}

/** Two panels beside each other, a row over the whole width. */
function placed(panels: readonly Panel[]): Panel[] {
  let [x, y] = [0, 0];
  return panels.map((panel, index) => {
    const wide = panel.type === 'row';
    const w = wide ? WIDTH : WIDTH / 2;
    const h = wide ? 1 : HEIGHT;
    if (wide && x > 0) [x, y] = [0, y + HEIGHT];
    const gridPos = { x, y, w, h };
    x += w;
    if (x >= WIDTH) [x, y] = [0, y + h];
    return { id: index + 1, ...panel, gridPos };
  });
}

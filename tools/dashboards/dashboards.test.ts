/** What Grafana and Prometheus are given speaks of metrics that exist, and of all of them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { parse } from 'yaml';
import { EXIT_USAGE } from '../command/command.ts';
import { main } from '../main.ts';
import { CONTRACTS } from './command.ts';
import { dashboardOf, podDashboard, type Dashboard } from './dashboard.ts';
import { meaningOf, unitOf } from './panels.ts';

const test = suite('dashboards');

async function call(...args: string[]) {
  const folder = temporaryDirectory('dashboards');
  let [out, err] = ['', ''];
  const context = {
    folder,
    environment: {},
    out: (text: string) => void (out += text),
    err: (text: string) => void (err += text),
  };
  return { code: await main(['dashboards', ...args], context), folder, out, err };
}

/** Names in a query that could be metrics: words in lower case with an underline. */
const metricsIn = (expr: string): string[] =>
  expr
    .replaceAll(/"[^"]*"|\{[^}]*\}|\bby \([^)]*\)|\bon \([^)]*\)/g, '')
    .match(/\b[a-z][a-z0-9]*(?:_[a-z0-9]+)+\b|\b(?:requests|responses|commands|fragments)\b/g)
    ?.filter((word) => !/^(?:histogram_quantile|label_values|__rate_interval|_rate_interval|rate_interval)$/.test(word))
    .map((word) => word.replace(/_bucket$/, '')) ?? [];

const queries = ({ panels }: Dashboard): string[] =>
  panels.flatMap(({ targets = [] }) => (targets as { expr: string }[]).map(({ expr }) => expr));

/** Labels that a configuration names, such as servers: the sidecars begin these at 0 when they know them. */
const BEGUN = new Set(['server_ejects', 'config_notify_failures_total', 'probe_restarts_total']);

for (const [name, contract] of CONTRACTS) {
  test(`${name}: alerts and panels read metrics of the contract only`, () => {
    for (const expr of [...Object.values(contract.alerts).map((each) => each.expr), ...queries(dashboardOf(contract))])
      for (const metric of metricsIn(expr)) assert.ok(metric in contract.metrics, `${metric} in ${expr}`);
  });

  test(`${name}: each metric is on the dashboard, with what it means and its unit`, () => {
    const { panels } = dashboardOf(contract);
    const shown = new Set(queries(dashboardOf(contract)).flatMap(metricsIn));
    for (const metric of Object.keys(contract.metrics)) assert.ok(shown.has(metric), metric);
    for (const { type, title, description } of panels)
      if (type === 'timeseries') assert.is(description, meaningOf(contract.metrics[title]!), title);
  });

  test(`${name}: each metric says what is bad`, () => {
    for (const [metric, { bad = '' }] of Object.entries(contract.metrics)) assert.match(bad, /^[^.]{1,120}$/, metric);
  });

  test(`${name}: an alert on an increase sees the first one: its series begin at 0`, () => {
    for (const [alert, { expr }] of Object.entries(contract.alerts))
      for (const [, metric] of expr.matchAll(/increase\((\w+)/g)) {
        const { type, labels = [], known = {} } = contract.metrics[metric!]!;
        assert.is(type, 'counter', metric);
        if (BEGUN.has(metric!)) continue;
        assert.equal(Object.keys(known).toSorted(), labels.toSorted(), `${alert}: known values of ${metric}`);
      }
  });

  test(`${name}: each alert is a sentence with a runbook, named after the sidecar`, () => {
    for (const [alert, { summary, runbook }] of Object.entries(contract.alerts)) {
      assert.match(alert, /^[A-Z][A-Za-z]+$/);
      assert.match(summary, /^[A-Z{].*[.]$/);
      assert.match(runbook, /^[A-Z].*[.]$/);
    }
  });
}

test('no two alerts have one name', () => {
  const names = [...CONTRACTS.values()].flatMap(({ alerts }) => Object.keys(alerts));
  assert.equal(names, [...new Set(names)]);
});

test('no two panels lie on each other', () => {
  for (const { panels } of [podDashboard([...CONTRACTS.values()]), ...[...CONTRACTS.values()].map(dashboardOf)]) {
    const taken = new Set<string>();
    for (const { gridPos } of panels) {
      const { x, y, w, h } = gridPos as Record<'x' | 'y' | 'w' | 'h', number>;
      assert.ok(x + w <= 24);
      for (let column = x; column < x + w; column += 1)
        for (let line = y; line < y + h; line += 1) {
          assert.not.ok(taken.has(`${column},${line}`), `${column},${line}`);
          taken.add(`${column},${line}`);
        }
    }
  }
});

test('units are told by names as Prometheus has them', () => {
  assert.is(unitOf('a_bytes_total', 'counter'), 'Bps');
  assert.is(unitOf('a_duration_seconds', 'histogram'), 's');
  assert.is(unitOf('a_requests_total', 'counter'), 'ops');
  assert.is(unitOf('a_not_after_seconds', 'gauge'), 'dateTimeAsIso');
  assert.is(unitOf('a_memory_bytes', 'gauge'), 'bytes');
});

test('the command writes a dashboard and rules for each sidecar, and one for pods', async () => {
  const { code, folder, out } = await call('-o', 'watch');
  assert.is(code, 0);
  assert.match(out, 'watch/grafana');
  assert.is(readdirSync(join(folder, 'watch/grafana')).length, CONTRACTS.size + 1);
  for (const name of CONTRACTS.keys()) {
    const { title } = JSON.parse(readFileSync(join(folder, `watch/grafana/${name}.json`), 'utf8')) as Dashboard;
    assert.is(title, `Sidecar ${name}`);
    const { groups } = parse(readFileSync(join(folder, `watch/prometheus/${name}.rules.yaml`), 'utf8')) as {
      groups: { rules: { alert: string }[] }[];
    };
    assert.equal(
      groups[0]!.rules.map(({ alert }) => alert),
      Object.keys(CONTRACTS.get(name)!.alerts),
    );
  }
});

test('only those that are named, and a name that does not exist is answered with what is near', async () => {
  const { folder } = await call('--output', '.', 'tls');
  assert.equal(readdirSync(join(folder, 'prometheus')), ['pods.rules.yaml', 'tls.rules.yaml']);
  const { code, err } = await call('-o', '.', 'tsl');
  assert.is(code, EXIT_USAGE);
  assert.match(err, /there is no sidecar or server "tsl"; did you mean tls\?/);
  assert.match((await call()).err, /-o DIR says where/);
});

test.run();

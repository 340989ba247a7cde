/** Dashboards and rules, made of contracts, read what running sidecars tell. */
import { chromium } from 'playwright-core';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { takePictures } from '../../../scripts/lib/pictures.ts';
import type { Scenario, Stage } from '../../../scripts/scenario/scenario.ts';
import { CONTRACTS } from '../../../tools/dashboards/command.ts';
import { dashboardOf } from '../../../tools/dashboards/dashboard.ts';
import { ask, prometheus, watched } from '../lib/watched.ts';
import { resolved, targetsOf } from '../services/watch/src/dashboard-page.ts';

const RUNNING = ['tls', 'auth', 'cache', 'mesh-proxy', 'log-shipper'];
/** How long requests take, of each proxy here. */
const DURATIONS = [
  'tls_request_duration_seconds',
  'auth_request_duration_seconds',
  'cache_request_duration_seconds',
  'istio_request_duration_milliseconds',
];
const PATIENCE = 30_000;
/** Browsers on both kinds of screen, in pixels. */
const WIDTHS = [1280, 390];

type Vector = {
  readonly result: readonly {
    readonly metric: Readonly<Record<string, string>>;
    readonly value: readonly [number, string];
  }[];
};

const query = (stage: Stage, expr: string): Promise<Vector> =>
  prometheus<Vector>(stage, `query?${new URLSearchParams({ query: expr }).toString()}`);

export function dashboardObligations({ must }: Scenario): void {
  must(
    'have each metric of the contracts, with its type and meaning, in Prometheus',
    { say: 'Prometheus has asked each sidecar: what it counts is what its contract says.' },
    async (stage) => {
      const known = await eventually(
        'all are scraped',
        async () => {
          const all = await prometheus<Record<string, { type: string; help: string }[]>>(stage, 'metadata');
          return RUNNING.every((name) => Object.keys(all).some((each) => each.startsWith(prefixOf(name)))) && all;
        },
        { within: 60_000 },
      );
      let count = 0;
      for (const name of RUNNING)
        for (const [metric, { type, help }] of Object.entries(CONTRACTS.get(name)!.metrics)) {
          const told = known[metric];
          // Protocol buffers have nothing of a metric without a series.
          if (told === undefined) {
            assert.equal((await query(stage, metric)).result, [], `${metric} has series and no meaning`);
            continue;
          }
          count += 1;
          const mine = told.find((each) => each.help === help);
          assert.ok(mine, `${metric} means ${JSON.stringify(told)}`);
          assert.is(mine.type, type, metric);
        }
      assert.ok(count > 60, `${count} metrics are told`);
    },
  );

  must(
    'have how long requests took as native histograms, beside the classic ones, of each proxy',
    { say: 'Prometheus asks for native histograms: their buckets are nobody’s choice, and both count the same.' },
    async (stage) => {
      await ask(stage, '/');
      for (const metric of DURATIONS) {
        const median = await eventually(
          `${metric}: both count the same`,
          async () => {
            const same = `sum(histogram_count(${metric})) == sum(${metric}_count)`;
            const { result } = await query(stage, `histogram_quantile(0.5, sum(${metric})) and (${same} > 0)`);
            return result[0]?.value[1];
          },
          { within: PATIENCE },
        );
        stage.say(`${metric}: the median is ${Number(median).toPrecision(2)}`);
        assert.ok(Number(median) > 0, median);
      }
    },
  );

  must(
    'draw dashboards whose lines have the labels that their names are made of',
    { say: 'Each panel of each dashboard is asked for, with the series of this run.' },
    async (stage) => {
      await ask(stage, '/');
      let drawn = 0;
      const empty: string[] = [];
      const full = new Set<string>();
      for (const name of RUNNING)
        for (const panel of dashboardOf(CONTRACTS.get(name)!).panels)
          for (const { expr, legendFormat = '' } of targetsOf(panel)) {
            const { result } = await query(stage, resolved(expr));
            if (result.length === 0) empty.push(panel.title);
            else full.add(panel.title);
            drawn += Math.sign(result.length);
            const labels = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label!);
            // A label that is empty is none for Prometheus; of all lines together each label is told.
            for (const label of result.length === 0 ? [] : labels)
              assert.ok(
                result.some(({ metric }) => label in metric),
                `${panel.title} has no ${label}: ${JSON.stringify(result[0])}`,
              );
          }
      assert.ok(drawn > 60, `${drawn} lines have data; without: ${empty.join(', ')}`);
      for (const metric of ALWAYS) assert.ok(full.has(metric), `${metric} has no series`);
      stage.say(`${drawn} queries have data; ${empty.length} are of what did not happen, such as refusals`);
    },
  );

  must(
    'load every rule, and raise an alert while the application is down',
    {
      say: 'The rules of all contracts are loaded, and quiet. The application is stopped: its alert is raised.',
      within: 240_000,
    },
    async (stage) => {
      const { groups } = await prometheus<{
        groups: { rules: { name: string; health: string; state: string; lastError?: string }[] }[];
      }>(stage, 'rules');
      const rules = groups.flatMap((group) => group.rules);
      const wanted = ['PodStranded', ...[...CONTRACTS.values()].flatMap(({ alerts }) => Object.keys(alerts))];
      assert.equal(rules.map(({ name }) => name).toSorted(), wanted.toSorted());
      for (const { name, health, lastError } of rules) assert.ok(health !== 'err', `${name}: ${lastError}`);
      assert.equal(
        rules.filter(({ name, state }) => /AppDown/.test(name) && state !== 'inactive'),
        [],
      );
      await stage.project.stop('front');
      const raised = await eventually(
        'the alert is raised',
        async () => {
          // Whether the application is up is known from requests.
          await ask(stage, `/product/${Date.now()}`);
          const { alerts } = await prometheus<{ alerts: { labels: Record<string, string>; state: string }[] }>(
            stage,
            'alerts',
          );
          return alerts.find(({ labels }) => labels['alertname'] === 'CacheAppDown');
        },
        { within: 120_000 },
      );
      stage.say(`CacheAppDown is ${raised.state}`);
      await stage.project.start('front');
    },
  );

  must(
    'show all of it on pages that fit a screen and a phone',
    {
      say: 'Chromium opens the request’s page, a dashboard and the alerts, 1280 and 390 pixels wide.',
      within: 240_000,
    },
    async (stage) => {
      const { id } = await eventually(
        'the shop answers again',
        async () => {
          const asked = await ask(stage, `/product/mug?${Date.now()}`);
          return asked.answer.status === 200 && asked;
        },
        { within: 120_000 },
      );
      await watched(stage, id, 'its spans have come', ({ spans }) => spans.length === 5);
      const browser = await chromium.connectOverCDP(`http://127.0.0.1:${stage.port('BROWSER')}`, { timeout: 60_000 });
      try {
        const context = await browser.newContext({ colorScheme: 'light' });
        context.setDefaultTimeout(PATIENCE);
        const opened = await context.newPage();
        const complaints: string[] = [];
        opened.on('console', (message) => void (message.type() === 'error' && complaints.push(message.text())));
        for (const width of WIDTHS) {
          await opened.setViewportSize({ width, height: 844 });
          for (const path of ['/', `/trace/${id}`, '/dashboard/tls', '/alerts']) {
            await opened.goto(`http://watch:8080${path}`);
            const wide = Number(await opened.evaluate('document.documentElement.scrollWidth'));
            assert.ok(wide <= width, `${path} is ${wide} pixels of ${width} wide`);
            if (path.startsWith('/trace')) {
              assert.is(await opened.locator('.span').count(), 5);
              assert.is(await opened.locator('.span').first().getAttribute('data-service'), 'tls');
            }
            if (path.startsWith('/dashboard')) assert.ok((await opened.locator('.plot polyline').count()) > 10);
          }
          await opened.goto(`http://watch:8080/trace/${id}`);
          const pictures = await takePictures(opened, 'watch', `${stage.project.name}-${width}`);
          stage.say(`pictures of it: ${pictures.join(', ')}`);
        }
        assert.equal(
          complaints.filter((text) => !text.includes('404')),
          [],
        );
      } finally {
        await browser.close();
      }
    },
  );
}

/** Metrics of which any run has series. */
const ALWAYS = [
  'tls_request_duration_seconds',
  'auth_request_duration_seconds',
  'cache_request_duration_seconds',
  'istio_requests_total',
  'shipper_read_total',
];

/** By what its own metrics begin. */
const prefixOf = (name: string): string => ({ 'mesh-proxy': 'mesh_', 'log-shipper': 'shipper_' })[name] ?? `${name}_`;

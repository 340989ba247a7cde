/** promtool reads the names of all metrics and all rules; each rule fires when it should, and not before. */
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createMetrics, Registry } from '#kit/telemetry/metrics.ts';
import { Histogram, type Counter, type Gauge } from '#kit/telemetry/series.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { CONTRACTS, files } from '../../tools/dashboards/command.ts';
import { docker } from '../lib/engine.ts';
import { STACK_LABEL } from '../lib/labels.ts';
import { loadSidecars } from '../contract/sidecars.ts';
import { programImage } from '../lib/program-image.ts';
import { RECORDINGS, STEP, type Recording } from './recording.ts';

const test = suite('promtool');
const container = `sidecar-stacks-promtool-${randomBytes(3).toString('hex')}`;
const SHORT = { timeoutMs: 120_000 };
const HOURS = 3;
const ROOT = join(import.meta.dirname, '../..');
const ALL = (await loadSidecars(ROOT, [])).map(({ contract }) => contract);

/** Names that are somebody else's, on purpose: dashboards for those programs go on to work. */
const NAMES_OF_OTHERS: Readonly<Record<string, RegExp>> = {
  ambassador:
    /^(?:requests|responses|forward_error|commands|fragments|server_ejects|keys_moved|broker_\w+|split_\w+) counter metrics should have "_total" suffix$/,
  'mesh-proxy':
    /^istio_request_duration_milliseconds (?:use base unit "seconds" instead of "milliseconds"|metric names should not contain abbreviated units)$/,
};

/** Series by which each alert fires, one value a minute; and by which it does not. */
const SERIES: Readonly<Record<string, readonly [fires: Series, quiet: Series]>> = {
  AmbassadorFileRefused: [{ broker_file_refused: '0x20 1x160' }, { broker_file_refused: '3x180' }],
  AmbassadorServerDown: [
    { 'server_up{server="a"}': '0x180', ambassador_build_info: '1x180' },
    { 'server_up{server="a"}': '1x180', ambassador_build_info: '1x180' },
  ],
  AmbassadorSpansDropped: [{ ambassador_spans_dropped_total: '0+10x180' }, { ambassador_spans_dropped_total: '5x180' }],
  AmbassadorConnectionsRefused: refusals('ambassador_connections_refused_total{reason="max_connections"}'),
  AuthConnectionsRefused: refusals('auth_connections_refused_total{reason="max_connections"}'),
  CacheConnectionsRefused: refusals('cache_connections_refused_total{reason="max_connections"}'),
  MeshProxyConnectionsRefused: refusals('mesh_connections_refused_total{direction="inbound",reason="max_connections"}'),
  TlsConnectionsRefused: refusals('tls_connections_refused_total{reason="limit"}'),
  PodStranded: [
    { up: '1x20 0x160', tls_build_info: '1x20' },
    { up: '1x180', tls_build_info: '1x180' },
  ],
  AuthSpansDropped: [{ auth_spans_dropped_total: '0+10x180' }, { auth_spans_dropped_total: '5x180' }],
  CacheSpansDropped: [{ cache_spans_dropped_total: '0+10x180' }, { cache_spans_dropped_total: '5x180' }],
  MeshProxySpansDropped: [{ mesh_spans_dropped_total: '0+10x180' }, { mesh_spans_dropped_total: '5x180' }],
  TlsSpansDropped: [{ tls_spans_dropped_total: '0+10x180' }, { tls_spans_dropped_total: '5x180' }],
  AmbassadorVersionTakenBack: [
    { 'split_backoffs{reason="errors"}': '0x20 1x160' },
    { 'split_backoffs{reason="errors"}': '1x180' },
  ],
  AuthAppDown: [{ auth_app_up: '0x180' }, { auth_app_up: '1x180' }],
  AuthInternalErrors: [{ auth_internal_errors_total: '0x20 1x160' }, { auth_internal_errors_total: '0x180' }],
  AuthLoginsFail: [
    { 'auth_logins_total{result="begun"}': '0+10x180', 'auth_logins_total{result="refused"}': '0+8x180' },
    {
      'auth_logins_total{result="begun"}': '0+10x180',
      'auth_logins_total{result="refused"}': '0+2x180',
      'auth_logins_total{result="ok"}': '0+8x180',
    },
  ],
  AuthProviderDown: [{ auth_provider_up: '0x180' }, { auth_provider_up: '1x180' }],
  CacheAppDown: [{ cache_app_up: '0x180' }, { cache_app_up: '1x180' }],
  CacheInternalErrors: [{ cache_internal_errors_total: '0x20 1x160' }, { cache_internal_errors_total: '1x180' }],
  CacheUpstreamErrors: [
    {
      'cache_upstream_errors_total{reason="timeout"}': '0+10x180',
      'cache_origin_requests_total{code="2xx"}': '0+90x180',
    },
    {
      'cache_upstream_errors_total{reason="timeout"}': '0+1x180',
      'cache_origin_requests_total{code="2xx"}': '0+90x180',
    },
  ],
  ConfigSyncBehind: [{ 'config_in_sync{file="a"}': '0x180' }, { 'config_in_sync{file="a"}': '1x180' }],
  ConfigSyncSourceDown: [
    { 'config_source_errors_total{reason="a"}': '0+1x180' },
    { 'config_source_errors_total{reason="a"}': '4x180' },
  ],
  ConfigSyncStorage: [
    { 'config_storage_errors_total{reason="full"}': '0x20 1x160' },
    { 'config_storage_errors_total{reason="full"}': '1x180' },
  ],
  GitSyncFails: [{ git_sync_failures: '0+1x180' }, { git_sync_failures: '5x180' }],
  GitSyncRefused: [{ git_sync_refused: '1x180' }, { git_sync_refused: '0x180' }],
  LogShipperDead: [{ shipper_dead_total: '0x20 3x160' }, { shipper_dead_total: '3x180' }],
  LogShipperLag: [
    { 'shipper_file_lag_seconds{file="a"}': '0+60x180' },
    { 'shipper_file_lag_seconds{file="a"}': '100x180' },
  ],
  LogShipperLost: [
    { 'shipper_lost_bytes_total{reason="deleted"}': '0x20 46x160' },
    { 'shipper_lost_bytes_total{reason="deleted"}': '46x180' },
  ],
  LogShipperSpoolFull: [{ shipper_spool_full: '1x180' }, { shipper_spool_full: '0x180' }],
  MeshProxyCertificateEnds: [
    { mesh_certificate_not_after_seconds: '1300x180' },
    { mesh_certificate_not_after_seconds: '100000x180' },
  ],
  MeshProxyConfigurationRefused: [
    { 'mesh_configurations_total{result="refused"}': '0x20 1x160' },
    { 'mesh_configurations_total{result="used"}': '0+1x180' },
  ],
  MeshProxyErrors: [
    {
      'istio_requests_total{reporter="source",response_code="503",destination_service="a"}': '0+10x180',
      'istio_requests_total{reporter="source",response_code="200",destination_service="a"}': '0+90x180',
    },
    {
      'istio_requests_total{reporter="source",response_code="503",destination_service="a"}': '0+1x180',
      'istio_requests_total{reporter="source",response_code="200",destination_service="a"}': '0+90x180',
    },
  ],
  ProbeBudgetSpent: [
    { 'probe_restart_budget_left{target="a"}': '0x180' },
    { 'probe_restart_budget_left{target="a"}': '1x180' },
  ],
  ProbeTargetRestarted: [
    { 'probe_restarts_total{target="a",by="term"}': '0x20 1x160' },
    { 'probe_restarts_total{target="a",by="term"}': '1x180' },
  ],
  ProbeTargetDown: [{ 'probe_target_up{target="a"}': '0x180' }, { 'probe_target_up{target="a"}': '1x180' }],
  WebhookCertificateEnds: [
    { webhook_certificate_expires_timestamp_seconds: '50000x180' },
    { webhook_certificate_expires_timestamp_seconds: '1000000x180' },
  ],
  TlsAppDown: [{ tls_app_up: '0x180' }, { tls_app_up: '1x180' }],
  TlsCertificateEnds: [
    { 'tls_certificate_not_after_seconds{name="a"}': '600000x180' },
    { 'tls_certificate_not_after_seconds{name="a"}': '6000000x180' },
  ],
  TlsInternalErrors: [{ tls_internal_errors_total: '0x20 1x160' }, { tls_internal_errors_total: '1x180' }],
  TlsUpstreamErrors: [
    { 'tls_upstream_errors_total{reason="refused"}': '0+10x180', 'tls_requests_total{code="2xx"}': '0+90x180' },
    { 'tls_upstream_errors_total{reason="refused"}': '0+1x180', 'tls_requests_total{code="2xx"}': '0+90x180' },
  ],
};
type Series = Readonly<Record<string, string>>;

/** Two a second, and one in ten seconds. */
function refusals(series: string): readonly [fires: Series, quiet: Series] {
  return [{ [series]: '0+120x180' }, { [series]: '0+6x180' }];
}

const recordings = Object.entries(RECORDINGS).map(
  ([run, path]) => [run, JSON.parse(readFileSync(join(ROOT, path), 'utf8')) as Recording] as const,
);

/** The whole run at once: what was raised then, and nothing else. */
const recordedTest = (recording: Recording): string =>
  JSON.stringify({
    rule_files: ['/watch/prometheus/*.rules.yaml'],
    evaluation_interval: `${STEP}s`,
    tests: [
      {
        interval: `${STEP}s`,
        input_series: Object.entries(recording.series).map(([series, values]) => ({ series, values })),
        promql_expr_test: [
          {
            expr: `group by (alertname) (max_over_time(ALERTS{alertstate="firing"}[${recording.taken.minutes}m]))`,
            eval_time: `${recording.taken.minutes}m`,
            exp_samples: recording.fired.map((alert) => ({ labels: `{alertname="${alert}"}`, value: 1 })),
          },
        ],
      },
    ],
  });

const folder = temporaryDirectory('promtool');
// The image runs as nobody.
chmodSync(folder, 0o755);
const write = (path: string, text: string): void => {
  mkdirSync(dirname(join(folder, path)), { recursive: true, mode: 0o755 });
  writeFileSync(join(folder, path), text, { mode: 0o644 });
};
const promtool = (...args: string[]): Promise<string> => docker(['exec', container, 'promtool', ...args], SHORT);

/** A test of rules as promtool reads it; JSON is YAML. */
const ruleTest = (name: string, alert: string, series: Series, fires: boolean): string =>
  JSON.stringify({
    rule_files: [`/watch/prometheus/${name}.rules.yaml`],
    evaluation_interval: '1m',
    tests: [
      {
        interval: '1m',
        input_series: Object.entries(series).map(([each, values]) => ({ series: each, values })),
        // Some have to hold for an hour, some are over soon: at the end it is asked whether it ever fired.
        promql_expr_test: [
          {
            expr: `count(max_over_time(ALERTS{alertname="${alert}",alertstate="firing"}[${HOURS}h])) or vector(0)`,
            eval_time: `${HOURS}h`,
            exp_samples: [{ labels: '{}', value: fires ? 1 : 0 }],
          },
        ],
      },
    ],
  });

test.before(async () => {
  const image = await programImage('prometheus', 'scripts/prometheus/image', () => {});
  for (const [path, text] of Object.entries(files([...CONTRACTS.values()]))) write(path, text);
  for (const [name, { alerts }] of CONTRACTS) {
    for (const alert of Object.keys(alerts))
      for (const [index, series] of seriesOf(name, alert).entries())
        write(`tests/${alert}.${index}.yaml`, ruleTest(name, alert, series, index === 0));
  }
  for (const [index, series] of SERIES['PodStranded']!.entries())
    write(`tests/PodStranded.${index}.yaml`, ruleTest('pods', 'PodStranded', series, index === 0));
  for (const [run, recording] of recordings) write(`tests/recorded-${run}.yaml`, recordedTest(recording));
  for (const { name, metrics } of ALL) {
    const registry = new Registry();
    const made: Readonly<Record<string, Counter | Gauge | Histogram>> = createMetrics(metrics, registry);
    // promtool looks only at metrics that have a value.
    for (const [metric, { labels = [] }] of Object.entries(metrics)) {
      const values = Object.fromEntries(labels.map((label) => [label, 'x']));
      const each = made[metric]!;
      if (each instanceof Histogram) each.observe(values, 1);
      else each.inc(values);
    }
    write(`metrics/${name}`, registry.metrics());
  }
  const options = ['--network', 'none', '--name', container, '--label', `${STACK_LABEL}=promtool`];
  await docker(['run', '--detach', '--rm', ...options, image, 'sleep', '600'], SHORT);
  await docker(['cp', folder, `${container}:/watch`], SHORT);
});
test.after(async () => {
  await docker(['rm', '--force', container], SHORT);
});

/** Of the alert that every sidecar has, too. */
function seriesOf(name: string, alert: string): readonly Series[] {
  const written = SERIES[alert];
  if (written !== undefined) return written;
  if (!alert.endsWith('Restarts')) return madeSeries(name, alert);
  const version = `${name.replaceAll('-', '_')}_build_info`;
  const starts = (values: string): Series => ({ process_start_time_seconds: values, [version]: '1x180' });
  return [starts('0+1x180'), starts('5x180')];
}

/** Of an alert that was made of what a counter says is bad. */
function madeSeries(name: string, alert: string): readonly Series[] {
  const { alerts, metrics } = CONTRACTS.get(name)!;
  const [, metric] = /^increase\((\w+)\[15m\]\) > 0$/.exec(alerts[alert]!.expr) ?? [];
  if (metric === undefined) return [];
  const labels = (metrics[metric]!.labels ?? []).map((label) => `${label}="a"`).join(',');
  return [{ [`${metric}{${labels}}`]: '0x20 1x160' }, { [`${metric}{${labels}}`]: '1x180' }];
}

test('a sidecar that is not reached any more is told, one that Prometheus never reached is not', async () => {
  assert.match(await promtool('check', 'rules', '/watch/prometheus/pods.rules.yaml'), '1 rules found');
  await promtool('test', 'rules', '/watch/tests/PodStranded.0.yaml', '/watch/tests/PodStranded.1.yaml');
});

for (const [run, { fired }] of recordings)
  test(`on the series of a real run (${run}) the rules fire that fired in it, and no others`, async () => {
    assert.ok(fired.length >= 8, fired.join());
    await promtool('test', 'rules', `/watch/tests/recorded-${run}.yaml`);
  });

for (const { name } of ALL) {
  test(`${name}: names of metrics are as Prometheus wants them, but for those of other programs`, async () => {
    const said = await docker(
      ['exec', container, 'sh', '-c', `exec 2>&1; promtool check metrics < /watch/metrics/${name} || true`],
      SHORT,
    );
    const lines = said.split('\n').filter((line) => line !== '' && !NAMES_OF_OTHERS[name]?.test(line));
    assert.equal(lines, []);
  });
}

for (const [name, { alerts }] of CONTRACTS) {
  test(`${name}: promtool takes the rules`, async () => {
    assert.match(
      await promtool('check', 'rules', `/watch/prometheus/${name}.rules.yaml`),
      `${Object.keys(alerts).length} rules found`,
    );
  });

  test(`${name}: each rule fires when it should, and not before`, async () => {
    for (const alert of Object.keys(alerts)) {
      assert.is(seriesOf(name, alert).length, 2, `series for ${alert}`);
      await promtool('test', 'rules', `/watch/tests/${alert}.0.yaml`, `/watch/tests/${alert}.1.yaml`);
    }
  });
}

test.run();

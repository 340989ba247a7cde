/** Spans reach a collector as OTLP says, whatever it does; what is lost is counted, and what waits is bounded. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readParameters } from '../contract/parameters.ts';
import { certify } from '../testing/certify.ts';
import { eventually } from '../testing/eventually.ts';
import { partialSuccess } from '../testing/otlp.ts';
import { startCollector, type TestCollector } from '../testing/otlp-collector.ts';
import { temporaryDirectory } from '../testing/temporary.ts';
import { Backoff } from '../time/backoff.ts';
import { SpanExporter } from './exporter.ts';
import { tracingParameters, tracingSettings, type TracingSettings } from './parameters.ts';
import { failureEvent, type SpanRecord } from './span.ts';

const settingsOf = (env: Record<string, string>): TracingSettings =>
  tracingSettings(readParameters(tracingParameters, { env }).values);

class Exporting {
  exported = 0;
  dropped = 0;
  readonly logged: string[] = [];
  readonly exporter: SpanExporter;

  constructor(env: Record<string, string>) {
    const { collector, resource } = settingsOf(env);
    const log = (about: unknown, text?: string): void => void this.logged.push(`${text} ${JSON.stringify(about)}`);
    this.exporter = new SpanExporter({
      log: { warn: log, info: log },
      resource: () => resource,
      scope: { name: 'example', version: '1.2.3' },
      onExported: (spans) => (this.exported += spans),
      onDropped: (spans) => (this.dropped += spans),
      backoff: new Backoff({ initial: 2, max: 2 }),
    });
    this.exporter.update(collector);
  }

  async until(what: string, condition: () => boolean): Promise<void> {
    await eventually(`${what} (${this.logged.join()})`, condition, { within: 60_000 });
  }
}

const at = ({ url }: TestCollector, more: Record<string, string> = {}): Record<string, string> => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: url,
  ...more,
});

const span = (more: Partial<SpanRecord> = {}): SpanRecord => ({
  context: {
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: 'b7ad6b7169203331',
    parentId: undefined,
    sampled: true,
  },
  name: 'GET',
  kind: 'server',
  start: 1_764_000_000_000.25,
  end: 1_764_000_000_012.5,
  attributes: {},
  events: [],
  error: undefined,
  ...more,
});

for (const protocol of ['http/protobuf', 'http/json'] as const)
  for (const compression of ['none', 'gzip'])
    test(`spans arrive as they were, by ${protocol}, compression ${compression}`, async () => {
      await using collector = await startCollector();
      const exporting = new Exporting(
        at(collector, {
          OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
          OTEL_EXPORTER_OTLP_COMPRESSION: compression,
          OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20abc%3D,x-scope=shop',
          OTEL_SERVICE_NAME: 'front door',
          OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=a%20b,service.name=other',
        }),
      );
      const attributes = { text: 'é€😀', count: 200, below: -1, part: 0.5, yes: true, no: false, none: undefined };
      const { exporter } = exporting;
      exporter.export(
        span({
          context: { ...span().context, parentId: '00f067aa0ba902b7' },
          kind: 'client',
          attributes,
          events: [failureEvent(1_764_000_000_012, 'connect', 'Nobody took it.')],
          error: 'Nobody took it.',
        }),
      );
      exporter.export(span());
      await exporting.until('both arrived', () => collector.spans.length === 2);
      await exporter.close();
      const [first, second] = collector.spans;
      const { none: _none, ...kept } = attributes;
      assert.equal(first, {
        traceId: '0af7651916cd43dd8448eb211c80319c',
        spanId: 'b7ad6b7169203331',
        parentSpanId: '00f067aa0ba902b7',
        name: 'GET',
        kind: 'client',
        start: 1_764_000_000_000_250_000n,
        end: 1_764_000_000_012_500_000n,
        attributes: kept,
        events: [
          { name: 'exception', attributes: { 'exception.type': 'connect', 'exception.message': 'Nobody took it.' } },
        ],
        error: 'Nobody took it.',
        resource: { 'service.name': 'front door', 'deployment.environment.name': 'a b' },
        scope: 'example 1.2.3',
      });
      assert.is(second?.parentSpanId || undefined, undefined);
      assert.is(second?.error, undefined);
      const [headers] = collector.requests;
      assert.is(headers?.['authorization'], 'Bearer abc=');
      assert.is(headers?.['x-scope'], 'shop');
    });

test('a collector by https is believed by its authority alone', async () => {
  const leaf = await certify({ subject: 'CN=localhost', altNames: [{ type: 'ip', value: '127.0.0.1' }] });
  await using collector = await startCollector(leaf);
  const ca = join(temporaryDirectory('otlp'), 'ca.pem');
  writeFileSync(ca, leaf.cert);
  const trusting = new Exporting(at(collector, { OTEL_EXPORTER_OTLP_CERTIFICATE: ca }));
  trusting.exporter.export(span());
  await trusting.until('it arrived', () => trusting.exported === 1);
  await trusting.exporter.close();
  const doubting = new Exporting(at(collector));
  doubting.exporter.export(span());
  await doubting.until('it is dropped', () => doubting.dropped === 1);
  await doubting.exporter.close();
  assert.is(collector.spans.length, 1);
  assert.match(doubting.logged[0]!, /is not trusted/);
});

test('a collector that is busy or restarts gets its spans later; they are lost after some tries', async () => {
  await using collector = await startCollector();
  const exporting = new Exporting(at(collector));
  const { exporter } = exporting;
  let refusals = 2;
  collector.answer = (_request, response) => {
    if (refusals-- <= 0) return false;
    response.writeHead(503).end();
    return true;
  };
  exporter.export(span());
  await exporting.until('the third try was taken', () => exporting.exported === 1);
  assert.is(collector.requests.length, 3);
  assert.equal(
    exporting.logged.map((line) => line.split(' {')[0]),
    ['the collector does not take spans', 'the collector takes spans again'],
  );
  collector.answer = (_request, response) => (response.writeHead(503).end(), true);
  exporter.export(span());
  await exporting.until('it is given up', () => exporting.dropped === 1);
  assert.is(collector.requests.length, 8);
  collector.answer = (_request, response) => (response.writeHead(400).end(), true);
  exporter.export(span());
  await exporting.until('what is refused is not sent again', () => exporting.dropped === 2);
  assert.is(collector.requests.length, 9);
  await collector.close();
  exporter.export(span());
  await exporting.until('nobody is there', () => exporting.dropped === 3);
  await exporter.close();
});

test('a collector that says when to come again is not asked before', async () => {
  await using collector = await startCollector();
  const exporting = new Exporting(at(collector));
  const times: number[] = [];
  collector.answer = (_request, response) => {
    times.push(performance.now());
    if (times.length > 1) return false;
    response.writeHead(429, { 'retry-after': '1' }).end();
    return true;
  };
  exporting.exporter.export(span());
  await exporting.until('it was taken', () => exporting.exported === 1);
  // A timer may be a millisecond early.
  assert.ok(times[1]! - times[0]! >= 990, times.join(' '));
  await exporting.exporter.close();
});

test('spans that a collector refuses of a batch are counted', async () => {
  for (const protocol of ['http/protobuf', 'http/json']) {
    await using collector = await startCollector();
    collector.answer = (_request, response, spans) => {
      const refused = spans - 1;
      response.end(
        protocol === 'http/json'
          ? JSON.stringify({ partialSuccess: { rejectedSpans: String(refused) } })
          : partialSuccess(refused),
      );
      return true;
    };
    const exporting = new Exporting(at(collector, { OTEL_EXPORTER_OTLP_PROTOCOL: protocol }));
    for (let index = 0; index < 301; index++) exporting.exporter.export(span());
    await exporting.until('all are counted', () => exporting.exported + exporting.dropped === 301);
    assert.is(exporting.exported, 1, protocol);
    await exporting.exporter.close();
  }
});

test('a collector that never ends its answer loses its spans, and does not hold up the next ones', async () => {
  await using collector = await startCollector();
  let asked = 0;
  collector.answer = (_request, response) => {
    asked += 1;
    if (asked > 5) return false;
    response.write('{');
    const drip = setInterval(() => response.write(' '), 10).unref();
    response.once('close', () => clearInterval(drip));
    return true;
  };
  const exporting = new Exporting(at(collector, { OTEL_EXPORTER_OTLP_TIMEOUT: '200' }));
  exporting.exporter.export(span());
  await exporting.until('the first is given up', () => exporting.dropped === 1);
  assert.match(exporting.logged[0]!, /did not answer within 200 ms/);
  exporting.exporter.export(span());
  await exporting.until('the next one arrives', () => collector.spans.length === 1);
  await exporting.exporter.close();
});

test('what waits for a silent collector is bounded in bytes, and all that is lost is counted', async () => {
  await using collector = await startCollector();
  collector.answer = () => true;
  const exporting = new Exporting(at(collector));
  const attributes = { path: '/'.repeat(100_000) };
  for (let index = 0; index < 3000; index++) exporting.exporter.export(span({ attributes }));
  const kept = 3000 - exporting.dropped;
  // A text has 1,024 characters at most.
  assert.ok(kept > 500 && kept * 1024 < 1024 * 1024, `${kept} are kept`);
  await exporting.exporter.close();
  assert.is(exporting.dropped, 3000);
  exporting.exporter.export(span());
  assert.is(exporting.dropped, 3000, 'after its end it takes none');
});

test('the end sends what waits, and does not wait for a silent collector', async () => {
  await using collector = await startCollector();
  const exporting = new Exporting(at(collector));
  exporting.exporter.export(span());
  await exporting.exporter.close();
  assert.is(exporting.exported + exporting.dropped, 1);
  await using silent = await startCollector();
  silent.answer = () => true;
  const waiting = new Exporting(at(silent));
  waiting.exporter.export(span());
  await waiting.exporter.close();
  assert.is(waiting.dropped, 1);
});

test('an endpoint of a policy that is no URL is told, and nothing else', () => {
  const exporting = new Exporting({});
  const { transport } = settingsOf({});
  for (const endpoint of ['nonsense', 'ftp://collector/v1/traces']) {
    exporting.exporter.update({ ...transport, endpoint });
    exporting.exporter.export(span());
  }
  assert.is(exporting.logged.length, 2);
});

test('batches, what waits and how long it is tried are as OTEL_BSP_* say', async () => {
  await using collector = await startCollector();
  const batches: number[] = [];
  collector.answer = (_request, _response, spans) => (batches.push(spans), false);
  const exporting = new Exporting(at(collector, { OTEL_BSP_MAX_QUEUE_SIZE: '5', OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '2' }));
  // Two are under way, five wait.
  for (let index = 0; index < 9; index++) exporting.exporter.export(span());
  assert.is(exporting.dropped, 2);
  await exporting.until('all went', () => exporting.exported === 7);
  assert.equal(batches, [2, 2, 2, 1]);
  await exporting.exporter.close();

  collector.answer = (_request, response) => (response.writeHead(503, { 'retry-after': '2' }).end(), true);
  const hasty = new Exporting(at(collector, { OTEL_BSP_EXPORT_TIMEOUT: '1000', OTEL_BSP_SCHEDULE_DELAY: '1' }));
  const asked = collector.requests.length;
  hasty.exporter.export(span());
  await hasty.until('it is given up', () => hasty.dropped === 1);
  assert.is(collector.requests.length, asked + 1, 'another try would come too late');
  await hasty.exporter.close();
});

test.run();

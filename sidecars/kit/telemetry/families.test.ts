/** What a scraper reads that asks for protocol buffers, decoded by another implementation of them. */
import protobuf from 'protobufjs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { exposition, formatFor } from './exposition.ts';
import { aggregate, createMetrics, Registry, type MetricsSnapshot } from './metrics.ts';

/** What of io/prometheus/client/metrics.proto is written. */
const { root } = protobuf.parse(`
  syntax = "proto3";
  message LabelPair { string name = 1; string value = 2; }
  enum MetricType { COUNTER = 0; GAUGE = 1; SUMMARY = 2; UNTYPED = 3; HISTOGRAM = 4; }
  message Gauge { double value = 1; }
  message Counter { double value = 1; }
  message Time { int64 seconds = 1; int32 nanos = 2; }
  message Exemplar { repeated LabelPair label = 1; double value = 2; Time timestamp = 3; }
  message Bucket { uint64 cumulative_count = 1; double upper_bound = 2; Exemplar exemplar = 3; }
  message BucketSpan { sint32 offset = 1; uint32 length = 2; }
  message Histogram {
    uint64 sample_count = 1; double sample_sum = 2; repeated Bucket bucket = 3; sint32 schema = 5;
    double zero_threshold = 6; uint64 zero_count = 7;
    repeated BucketSpan positive_span = 12; repeated sint64 positive_delta = 13;
  }
  message Metric { repeated LabelPair label = 1; Gauge gauge = 2; Counter counter = 3; Histogram histogram = 7; }
  message MetricFamily { string name = 1; string help = 2; MetricType type = 3; repeated Metric metric = 4; }
`);
const Family = root.lookupType('MetricFamily');

function decoded(metrics: MetricsSnapshot): Record<string, any>[] {
  let rest = exposition(metrics, 'protobuf') as Buffer;
  const families: Record<string, any>[] = [];
  while (rest.length > 0) {
    let length = 0;
    let at = 0;
    do length += (rest[at]! & 0x7f) * 2 ** (7 * at);
    while (rest[at++]! >= 0x80);
    families.push(Family.toObject(Family.decode(rest.subarray(at, at + length)), { longs: Number, enums: String }));
    rest = rest.subarray(at + length);
  }
  return families;
}

function example() {
  const registry = new Registry();
  const metrics = createMetrics(
    {
      seen_total: { type: 'counter', help: 'Seen, "quoted"', labels: ['who'] },
      never_total: { type: 'counter', help: 'Without a series', labels: ['who'] },
      open: { type: 'gauge', help: 'Open' },
      wait_seconds: { type: 'histogram', help: 'Waits', labels: ['who'], buckets: [0.5, 1] },
    },
    registry,
  );
  return { registry, metrics };
}

test('counters, gauges and histograms are families, with classic buckets and native ones', () => {
  const { registry, metrics } = example();
  metrics.seen_total.inc({ who: 'a"\n' }, 300);
  metrics.open.set(-2.5);
  metrics.wait_seconds.buckets({ who: 'x' }).observe(0.5, 'abc');
  for (const value of [0.5, 0.4, 4, 0]) metrics.wait_seconds.observe({ who: 'x' }, value);
  metrics.wait_seconds.observe({ who: 'y' }, 2);
  const [seen, open, wait, ...others] = decoded(registry.snapshot());
  assert.equal(others, [], 'a family without a series is left out');
  const exemplar = wait!['metric'][0].histogram.bucket[0].exemplar;
  const { seconds, nanos } = exemplar.timestamp;
  assert.ok(Math.abs(seconds + nanos / 1e9 - Date.now() / 1000) < 60);
  delete exemplar.timestamp;
  const who = (value: string) => [{ name: 'who', value }];
  assert.equal(seen, {
    name: 'seen_total',
    help: 'Seen, "quoted"',
    type: 'COUNTER',
    metric: [{ label: who('a"\n'), counter: { value: 300 } }],
  });
  assert.equal(open, { name: 'open', help: 'Open', type: 'GAUGE', metric: [{ gauge: { value: -2.5 } }] });
  assert.equal(wait!['metric'], [
    {
      label: who('x'),
      histogram: {
        sampleCount: 5,
        sampleSum: 5.4,
        bucket: [
          {
            cumulativeCount: 4,
            upperBound: 0.5,
            exemplar: { label: [{ name: 'trace_id', value: 'abc' }], value: 0.5 },
          },
          { cumulativeCount: 4, upperBound: 1 },
          { cumulativeCount: 5, upperBound: Infinity },
        ],
        schema: 3,
        zeroThreshold: 2 ** -30,
        zeroCount: 1,
        // 0.4 is in the bucket up to 2^(-10/8), 0.5 in the one up to 2^-1, 4 in the one up to 2^2.
        positiveSpan: [{ offset: -10, length: 27 }],
        positiveDelta: [1, -1, 2, -2, ...Array.from({ length: 22 }, () => 0), 1],
      },
    },
    {
      label: who('y'),
      histogram: {
        sampleCount: 1,
        sampleSum: 2,
        bucket: [
          { cumulativeCount: 0, upperBound: 0.5 },
          { cumulativeCount: 0, upperBound: 1 },
          { cumulativeCount: 1, upperBound: Infinity },
        ],
        schema: 3,
        zeroThreshold: 2 ** -30,
        zeroCount: 0,
        positiveSpan: [{ offset: 8, length: 1 }],
        positiveDelta: [1],
      },
    },
  ]);
});

test('native buckets of several processes are added up', () => {
  const [one, other] = [example(), example()];
  for (const { metrics } of [one, other]) metrics.wait_seconds.observe({ who: 'x' }, 1);
  const overIpc = JSON.parse(JSON.stringify(other.registry.snapshot())) as MetricsSnapshot;
  const wait = decoded(aggregate([one.registry.snapshot(), overIpc])).find(({ name }) => name === 'wait_seconds');
  const { sampleCount, positiveSpan, positiveDelta } = wait!['metric'][0].histogram;
  assert.equal([sampleCount, positiveSpan, positiveDelta], [2, [{ offset: 0, length: 1 }], [2]]);
});

test('a scraper gets protocol buffers where it prefers them', () => {
  const message = 'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited';
  assert.is(formatFor(`${message};q=0.6,application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1`), 'protobuf');
  assert.is(formatFor(`${message};q=0.2,text/plain;q=0.5`), 'prometheus');
  assert.is(formatFor(message.replace('delimited', 'text')), 'prometheus');
  assert.is(formatFor('application/vnd.google.protobuf'), 'prometheus');
});

test.run();

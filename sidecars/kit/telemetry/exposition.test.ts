/** What a scraper reads. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { expose, formatFor } from './exposition.ts';
import { aggregate, createMetrics, Registry } from './metrics.ts';

function example(): { registry: Registry; metrics: ReturnType<typeof make> } {
  const registry = new Registry();
  return { registry, metrics: make(registry) };
}
const make = (registry: Registry) =>
  createMetrics(
    {
      seen_total: { type: 'counter', help: 'Seen, "quoted"\nand \\ more', labels: ['who', 'why'] },
      ejects: { type: 'counter', help: 'As another program names it' },
      open: { type: 'gauge', help: 'Open', aggregator: 'max' },
      wait_seconds: { type: 'histogram', help: 'Waits', labels: ['who'], buckets: [0.5, 1] },
    },
    registry,
  );

test('Prometheus reads counters, gauges and cumulative buckets, with what must be escaped', () => {
  const { registry, metrics } = example();
  metrics.seen_total.inc({ who: 'a"\\\nb', why: '' });
  metrics.seen_total.inc({ who: 'a"\\\nb', why: '' }, 2);
  metrics.open.set(Infinity);
  for (const value of [0.5, 0.7, 3]) metrics.wait_seconds.observe({ who: 'x' }, value);
  assert.is(
    registry.metrics(),
    [
      String.raw`# HELP seen_total Seen, "quoted"\nand \\ more`,
      '# TYPE seen_total counter',
      String.raw`seen_total{who="a\"\\\nb",why=""} 3`,
      '# HELP ejects As another program names it',
      '# TYPE ejects counter',
      'ejects 0',
      '# HELP open Open',
      '# TYPE open gauge',
      'open +Inf',
      '# HELP wait_seconds Waits',
      '# TYPE wait_seconds histogram',
      'wait_seconds_bucket{who="x",le="0.5"} 1',
      'wait_seconds_bucket{who="x",le="1"} 2',
      'wait_seconds_bucket{who="x",le="+Inf"} 3',
      'wait_seconds_sum{who="x"} 4.2',
      'wait_seconds_count{who="x"} 3',
      '',
    ].join('\n'),
  );
});

test('OpenMetrics has families without _total, exemplars with the trace id, and an end', () => {
  const { registry, metrics } = example();
  metrics.seen_total.inc({ who: 'a', why: 'b' });
  metrics.wait_seconds.buckets({ who: 'x' }).observe(0.7, '0af7651916cd43dd8448eb211c80319c');
  const text = registry.metrics('openmetrics');
  assert.match(text, '# TYPE seen counter\nseen_total{who="a",why="b"} 1\n');
  assert.match(text, '# TYPE ejects unknown\nejects 0\n', 'the same name in both formats');
  assert.match(
    text,
    /^wait_seconds_bucket\{who="x",le="1\.0"\} 1 # \{trace_id="0af7651916cd43dd8448eb211c80319c"\} 0\.7 \d+\.\d{3}$/m,
  );
  assert.ok(text.endsWith('\n# EOF\n'));
  assert.not.match(registry.metrics(), 'trace_id');
});

test('a scraper gets OpenMetrics where it prefers it', () => {
  const prometheus =
    'application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.1';
  assert.is(formatFor(prometheus), 'openmetrics');
  for (const other of [
    undefined,
    '',
    '*/*',
    'text/html',
    'application/openmetrics-text;q=0',
    'application/openmetrics-text;version=2.0.0',
    'application/openmetrics-text;q=0.1,text/plain;q=0.9',
    'application/openmetrics-text;q=much',
    ';,;,;q=,',
  ])
    assert.is(formatFor(other), 'prometheus', other);
});

test('several processes are added up, and the latest exemplar stays', () => {
  const [one, other] = [example(), example()];
  for (const { metrics } of [one, other]) {
    metrics.seen_total.inc({ who: 'a', why: 'b' });
    metrics.open.set(3);
    metrics.wait_seconds.observe({ who: 'x' }, 0.1);
  }
  other.metrics.wait_seconds.buckets({ who: 'x' }).observe(0.2, 'abc');
  const overIpc = JSON.parse(JSON.stringify(other.registry.snapshot())) as ReturnType<Registry['snapshot']>;
  const text = expose(aggregate([one.registry.snapshot(), overIpc]), 'openmetrics');
  for (const line of [
    'seen_total{who="a",why="b"} 2\n',
    'open 3\n',
    'wait_seconds_bucket{who="x",le="0.5"} 3 # {trace_id="abc"} 0.2 ',
    'wait_seconds_count{who="x"} 3\n',
  ])
    assert.ok(text.includes(line), `${line}\n${text}`);
});

test('a counter never goes down, and takes no label that was not declared', () => {
  const { metrics } = example();
  assert.throws(() => metrics.seen_total.inc({ who: 'a' }, -1), 'cannot count -1');
  assert.throws(() => metrics.seen_total.inc({ who: 'a' }, NaN), 'cannot count NaN');
  assert.throws(() => metrics.seen_total.inc({ where: 'a' }), 'has no label where');
  metrics.open.inc(2);
  metrics.open.dec();
  assert.is(metrics.open.get().values[0]!.value, 1);
});

test('known labels of a counter begin at 0, in all their combinations', () => {
  const registry = new Registry();
  const known = { who: ['a', 'b'], why: ['x'] };
  const { lost_total: lost } = createMetrics(
    { lost_total: { type: 'counter', help: 'Lost', labels: ['who', 'why'], known } },
    registry,
  );
  lost.inc({ who: 'b', why: 'x' });
  lost.inc({ who: 'c', why: 'y' });
  assert.equal(registry.metrics().trim().split('\n').slice(2), [
    'lost_total{who="a",why="x"} 0',
    'lost_total{who="b",why="x"} 1',
    'lost_total{who="c",why="y"} 1',
  ]);
});

test.run();

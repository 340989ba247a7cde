import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Edges, quantile } from './edges.ts';
import { readSamples } from './prometheus.ts';
import { WANTED } from './edges.ts';

const test = suite('edges');

const line = (labels: Record<string, string>, value: number, name = 'istio_requests_total'): string => {
  const all = {
    reporter: 'source',
    source_workload: 'front',
    destination_service_name: 'catalogue',
    destination_version: '1',
    connection_security_policy: 'mutual_tls',
    response_code: '200',
    ...labels,
  };
  const text = Object.entries(all).map(([key, each]) => `${key}="${each}"`);
  return `${name}{${text.join(',')}} ${value}\n`;
};
const look = (at: number, text: string) => ({ at, samples: readSamples(text, WANTED) });

test('rates are those of the window, by what the counters grew', () => {
  const edges = new Edges(10_000);
  edges.add('front', look(0, line({}, 1000)));
  edges.add('front', look(10_000, line({}, 1100) + line({ response_code: '503' }, 20)));
  const [edge] = edges.edges(10_000);
  assert.is(edge!.rate, 12);
  assert.is(edge!.success, 100 / 120);
  assert.is(edge!.mtls, 'all');
  assert.equal(edge!.versions, { 1: 12 });
});

test('an edge on which everything is refused has no success', () => {
  const edges = new Edges(10_000);
  const refused = (count: number): string =>
    line({ response_code: '403', response_flags: 'UAEX', reporter: 'destination' }, count);
  edges.add('front', look(0, line({}, 0) + line({ response_code: '403', response_flags: '-' }, 0)));
  edges.add('catalogue', look(0, refused(0)));
  edges.add('front', look(10_000, line({}, 0) + line({ response_code: '403', response_flags: '-' }, 50)));
  edges.add('catalogue', look(10_000, refused(50)));
  const [edge, ...others] = edges.edges(10_000);
  assert.equal(others, []);
  assert.equal([edge!.rate, edge!.success], [5, 0]);
  // An application's own 403 is its answer.
  const own = new Edges(10_000);
  own.add('front', look(0, line({ response_code: '403' }, 0)));
  own.add('front', look(10_000, line({ response_code: '403' }, 50)));
  assert.is(own.edges(10_000)[0]!.success, 1);
});

test('connections that failed are no success', () => {
  const edges = new Edges(10_000);
  const name = 'istio_tcp_connections_opened_total';
  const both = (good: number, bad: number): string =>
    line({ response_flags: '-' }, good, name) + line({ response_flags: 'UF' }, bad, name);
  edges.add('front', look(0, both(0, 0)));
  edges.add('front', look(10_000, both(25, 75)));
  assert.is(edges.edges(10_000)[0]!.success, 0.25);
});

test('what was counted before the first look does not count', () => {
  const edges = new Edges(10_000);
  edges.add('front', look(0, line({}, 1000)));
  assert.is(edges.edges(0)[0]!.rate, 0);
  assert.is(edges.edges(0)[0]!.success, undefined);
});

test('a proxy that began anew is counted on', () => {
  const edges = new Edges(10_000);
  edges.add('front', look(0, line({}, 1000)));
  edges.add('front', look(5000, line({}, 30)));
  assert.is(edges.edges(5000)[0]!.rate, 3);
});

test('what is older than the window is forgotten', () => {
  const edges = new Edges(10_000);
  edges.add('front', look(0, line({}, 0)));
  edges.add('front', look(1000, line({}, 100)));
  edges.add('front', look(30_000, line({}, 100)));
  assert.is(edges.edges(30_000)[0]!.rate, 0);
});

test('a caller without a proxy is outside, and what its server reports is not counted twice', () => {
  const edges = new Edges(1000);
  const both = (value: number): string =>
    line({}, value) +
    line({ reporter: 'destination' }, value) +
    line({ reporter: 'destination', source_workload: 'unknown', connection_security_policy: 'none' }, value * 2);
  edges.add('x', look(0, both(0)));
  edges.add('x', look(1000, both(10)));
  assert.equal(
    edges.edges(1000).map(({ from, to, rate, mtls }) => [from, to, rate, mtls]),
    [
      ['front', 'catalogue', 10, 'all'],
      ['outside', 'catalogue', 20, 'none'],
    ],
  );
});

test('quantiles lie within the bucket that holds them', () => {
  const histogram = new Map([
    [5, 50],
    [10, 90],
    [Infinity, 100],
  ]);
  assert.is(quantile(histogram, 0.5), 5);
  assert.is(quantile(histogram, 0.7), 7.5);
  assert.is(quantile(histogram, 0.99), 10, 'no bound above: the last one');
});

test('no text makes the reader throw or hang', () => {
  const piece = fc.constantFrom('istio_requests_total', '{', '}', '"', '\\', ',', '=', 'le', ' ', '1', '\n', 'NaN');
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 200 }), (pieces) => {
      for (const { value } of readSamples(pieces.join(''), WANTED)) assert.not(Number.isNaN(value));
    }),
  );
  const long = `istio_requests_total{${'a="\\'.repeat(100_000)}`;
  const begun = performance.now();
  readSamples(long, WANTED);
  assert.ok(performance.now() - begun < 10_000);
});

test('labels are read back as they were written', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 20 }), (value) => {
      const escaped = value.replaceAll(/[\\"]/g, (char) => `\\${char}`).replaceAll('\n', String.raw`\n`);
      const [sample] = readSamples(`istio_requests_total{a="x",b="${escaped}"} 3`, WANTED);
      assert.is(sample!.labels['b'], value);
      assert.is(sample!.value, 3);
    }),
    // Characters that end a line for a regular expression, and end none here.
    { examples: [['\u2028'], ['a\u2029b'], ['\r'], ['\n'], ['\\\u2028'], ['\\n']] },
  );
});

test.run();

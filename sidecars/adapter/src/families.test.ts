import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Families, metricName } from './families.ts';

const test = suite('families');

test('series of a name stand together, below its help and type', () => {
  const families = new Families();
  families.add('gauge', 'a', 'about a', 1, { x: '1' });
  families.add('counter', 'b', 'about b', 2);
  families.add('gauge', 'a', 'another', 3, { x: '2' });
  assert.is(
    families.text(),
    '# HELP a about a\n# TYPE a gauge\na{x="1"} 1\na{x="2"} 3\n# HELP b about b\n# TYPE b counter\nb 2\n',
  );
});

test('a series comes once: Prometheus would refuse the whole scrape', () => {
  const families = new Families();
  for (const value of [1, 2]) families.add('gauge', 'a', 'a', value);
  assert.match(families.text(), /^a 1$/m);
  assert.not.match(families.text(), /^a 2$/m);
});

test('a histogram is cumulative and ends in infinity', () => {
  const families = new Families();
  families.histogram(
    'h',
    'h',
    {
      count: 3,
      sum: 9.5,
      points: [
        [2_000_000, 3],
        [8, 1],
      ],
    },
    { cmd: 'get' },
  );
  assert.match(
    families.text(),
    'h_bucket{cmd="get",le="8"} 1\nh_bucket{cmd="get",le="2e+06"} 3\nh_bucket{cmd="get",le="+Inf"} 3\nh_sum{cmd="get"} 9.5\nh_count{cmd="get"} 3\n',
  );
});

const text = fc
  .array(fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('\n', '"', '\\')))
  .map((parts) => parts.join(''));

test("whatever a server's words are, each series stays one line with its value behind it", () => {
  fc.assert(
    fc.property(text, text, (word, value) => {
      const families = new Families();
      families.add('gauge', `redis_${metricName(word)}`, word, 1, { label: value });
      const lines = families.text().split('\n');
      assert.is(lines.length, 4);
      assert.match(lines[2]!, /^redis_\w*\{label="(?:[^"\\\n]|\\["\\n])*"\} 1$/);
    }),
  );
});

test('more series than anybody means to have are an error', () => {
  const families = new Families();
  assert.throws(() => {
    for (let index = 0; index <= 50_000; index++) families.add('gauge', 'a', 'a', 1, { index: String(index) });
  }, /more than 50000 series/);
});

test.run();

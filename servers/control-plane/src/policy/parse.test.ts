/** Policy files: what is refused, with which words and where. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { duration } from '../xds/resources/state.ts';
import { parsePolicy, PolicyRefused } from './parse.ts';

const GOOD = `mesh:
  mtls: STRICT
services:
  catalogue:
    ports: [{port: 8000, protocol: http}]
    subsets: {v1: {version: '1'}, v2: {version: '2'}}
    routes:
      - name: main
        timeout: 1.5s
        match: {path: {regex: '/a(b|c)+'}}
        to: [{subset: v1, weight: 80}, {subset: v2, weight: 20}]
`;

const refusal = (text: string): string => {
  try {
    parsePolicy(text);
  } catch (error) {
    if (error instanceof PolicyRefused) return error.message;
    throw error;
  }
  return 'taken';
};

test('durations are in milliseconds, and what is not said has its default', () => {
  const { mesh, services } = parsePolicy(GOOD);
  assert.equal(mesh, { outbound: 'ALLOW_ANY', mtls: 'STRICT', authorization: 'allow', accessLog: true });
  assert.is(services['catalogue']!.routes![0]!.timeout, 1500);
  assert.equal(parsePolicy('').services, {});
});

const CASES: readonly (readonly [string, string, string, string])[] = [
  [
    'a key that is not known',
    'mtls: STRICT',
    'mtl: STRICT',
    'policy.yaml:2:3: mesh.mtl is not known; did you mean mtls?',
  ],
  [
    'a value that is not one of several',
    'STRICT',
    'strict',
    'policy.yaml:2:3: mesh.mtls is "strict"; accepted is one of STRICT, PERMISSIVE, DISABLE',
  ],
  ['a key that is missing', ', protocol: http', '', 'policy.yaml:5:13: services.catalogue.ports.0 lacks protocol'],
  [
    'a duration without a unit',
    '1.5s',
    '1.5',
    'policy.yaml:9:9: services.catalogue.routes.0.timeout is 1.5; accepted is a value of type string',
  ],
  [
    'a port that is none',
    '8000',
    '80000',
    'policy.yaml:5:14: services.catalogue.ports.0.port: 80000 is greater than 65535',
  ],
  [
    'a name that cannot be part of an identity',
    'catalogue:',
    'Cata_logue:',
    'policy.yaml:4:3: services.Cata_logue: the name Cata_logue does not match',
  ],
  [
    'a subset that does not exist',
    'subset: v2',
    'subset: v3',
    'policy.yaml:11:40: catalogue has no subset v3; it has v1, v2',
  ],
  [
    'a subset that every object of JavaScript has',
    'subset: v2',
    'subset: constructor',
    'policy.yaml:11:40: catalogue has no subset constructor; it has v1, v2',
  ],
  [
    'a service that every object of JavaScript has',
    'subset: v2',
    'service: constructor',
    'policy.yaml:11:40: service constructor is not in this file',
  ],
  ['an expression that is none', '(b|c)', '(b|c', 'policy.yaml:10:24: Invalid regular expression'],
  ['an expression that only JavaScript knows', '(b|c)', '(?=b)', "policy.yaml:10:24: /a(?=b)+: expressions are RE2's"],
  [
    'weights of which none is more than 0',
    'weight: 80}, {subset: v2, weight: 20',
    'weight: 0}, {subset: v2, weight: 0',
    'policy.yaml:11:9: all weights are 0',
  ],
  [
    'an expression that repeats more often than RE2 allows',
    '(b|c)+',
    '((b|c){40}){40}',
    'policy.yaml:10:24: /a((b|c){40}){40}: it repeats 1600 times',
  ],
  [
    'a duration that Envoy refuses',
    '1.5s',
    '2562048h',
    'policy.yaml:9:9: services.catalogue.routes.0.timeout is 2562048h; the longest duration is 9223372036s',
  ],
  [
    'a time of 0 where none is accepted',
    'subsets:',
    'outlier: {interval: 0s}\n    subsets:',
    'policy.yaml:6:15: services.catalogue.outlier.interval is 0s; a time of more than 0 is accepted',
  ],
  [
    'a rate limit whose bucket Envoy would not fill as often',
    'timeout: 1.5s',
    'rateLimit: {requests: 1, per: 49ms}',
    'policy.yaml:9:34: services.catalogue.routes.0.rateLimit.per is 49ms; 50ms and more are accepted',
  ],
  [
    'a range without a number',
    "path: {regex: '/a(b|c)+'}",
    'headers: [{name: x, range: {from: 3, to: 3}}]',
    'policy.yaml:10:37: from 3 to 3 is no number',
  ],
  [
    'a host that is edited as a header',
    'timeout: 1.5s',
    'requestHeaders: {set: {Host: x}}',
    'policy.yaml:9:9: host is no header to be edited: rewrite.authority',
  ],
  [
    'an authority with an end of line',
    'timeout: 1.5s',
    'rewrite: {authority: "a\\nb"}',
    'policy.yaml:9:19: services.catalogue.routes.0.rewrite.authority is "a\\nb", which does not match',
  ],
  [
    'an ejection that is longer than the longest',
    'subsets:',
    'outlier: {baseEjectionTime: 3s, maxEjectionTime: 2s}\n    subsets:',
    'policy.yaml:6:37: maxEjectionTime is less than baseEjectionTime',
  ],
  ['text that is no YAML', 'services:', 'services: [', 'policy.yaml:'],
];
for (const [what, from, to, wanted] of CASES)
  test(`${what} is refused with its place`, () => {
    assert.is(refusal(GOOD), 'taken');
    assert.ok(refusal(GOOD.replace(from, to)).startsWith(wanted), refusal(GOOD.replace(from, to)));
  });

/** A duration as the file says it, and its milliseconds. */
const anyDuration = fc
  .tuple(
    fc.nat({ max: 999_999_999 }),
    fc.option(
      fc
        .integer({ min: 1, max: 6 })
        .chain((digits) => fc.tuple(fc.constant(digits), fc.nat({ max: 10 ** digits - 1 }))),
    ),
    fc.constantFrom('ms', 's', 'm', 'h'),
  )
  .map(
    ([whole, fraction, unit]) =>
      `${whole}${fraction ? `.${String(fraction[1]).padStart(fraction[0], '0')}` : ''}${unit}`,
  );
const NANOSECONDS = { ms: 10n ** 6n, s: 10n ** 9n, m: 60n * 10n ** 9n, h: 3600n * 10n ** 9n };
const LONGEST = 9_223_372_036n * 10n ** 9n;

test('whatever duration is taken, Envoy can count, and it is the one that the file says', () => {
  fc.assert(
    fc.property(anyDuration, (text) => {
      const [, whole = '', fraction = '', unit = ''] = /^(\d+)(?:\.(\d+))?(\D+)$/.exec(text)!;
      const exact = (BigInt(whole + fraction.padEnd(6, '0')) * NANOSECONDS[unit as 's']) / 10n ** 6n;
      let taken: number | undefined;
      try {
        taken = parsePolicy(`services: {a: {routes: [{timeout: ${text}}]}}`).services['a']!.routes![0]!.timeout!;
      } catch (error) {
        assert.match((error as Error).message, /^policy\.yaml:1:\d+: .* the longest duration is 9223372036s/);
      }
      // At the end itself a number of JavaScript holds milliseconds to a sixteenth.
      if (taken === undefined) return assert.ok(exact >= LONGEST, text);
      const { seconds, nanos } = duration(taken);
      assert.ok(Number.isInteger(nanos) && nanos >= 0 && nanos <= 999_999_999, `${text}: ${nanos} ns`);
      assert.ok(Number.isInteger(seconds) && seconds >= 0 && seconds <= 9_223_372_036, `${text}: ${seconds} s`);
      const off = BigInt(seconds) * 10n ** 9n + BigInt(nanos) - exact;
      assert.ok(off * off <= (1n + exact / 10n ** 15n) ** 2n, `${text}: off by ${off} ns`);
    }),
    {
      numRuns: 1000,
      examples: [['2562047h'], ['2562047.999999h'], ['0.29h'], ['0.000001ms'], ['999999999.999999m']],
    },
  );
});

test('all that is wrong is told at once', () => {
  const lines = refusal(GOOD.replace('STRICT', 'strict').replace('8000', '80000')).split('\n');
  assert.is(lines.length, 2);
});

/** Routes with an expression each, over a number of ports. */
const withExpressions = (ports: string, expressions: readonly string[]): string =>
  `services:
  a:
    ports: [${ports}]
    routes:
${expressions.map((each, index) => `      - {name: r${index}, match: {path: {regex: '${each}'}}, to: [{weight: 1}]}\n`).join('')}`;

const HTTP = '{port: 1, protocol: http}';
const GRPC = '{port: 2, protocol: grpc}';
const TCP = '{port: 3, protocol: tcp}';
const LARGE = '/a{1000}';
const TOO_LARGE = 'with this one, the expressions of the policy together are larger than clients take';

test('the expressions of a policy share one limit; the first beyond it is named, with its line', () => {
  assert.is(refusal(withExpressions(HTTP, [LARGE, LARGE, LARGE, LARGE])), 'taken');
  const six = Array.from({ length: 6 }, () => LARGE);
  assert.is(refusal(withExpressions(HTTP, six)), `policy.yaml:9:35: ${LARGE}: ${TOO_LARGE}`);
  // A client gets them once for each port of requests.
  assert.is(refusal(withExpressions(`${HTTP}, ${TCP}`, [LARGE, LARGE, LARGE])), 'taken');
  assert.is(
    refusal(withExpressions(`${HTTP}, ${GRPC}`, [LARGE, LARGE, LARGE])),
    `policy.yaml:7:35: ${LARGE}: ${TOO_LARGE}`,
  );
});

test('those of headers, of faults and of other services count as well', () => {
  const policy = `services:
  a:
    ports: [${HTTP}]
    routes:
      - to: [{weight: 1}]
        match: {path: {regex: '${LARGE}'}, headers: [{name: x, regex: '${LARGE}'}]}
        fault: {abort: {status: 500, percent: 1}, headers: [{name: x, regex: '${LARGE}'}]}
  b:
    ports: [${HTTP}]
    routes:
      - {name: one, to: [{weight: 1}], match: {headers: [{name: x, regex: '${LARGE}'}]}}
      - {name: two, to: [{weight: 1}], match: {headers: [{name: x, regex: '${LARGE}'}]}}
`;
  assert.is(refusal(policy), `policy.yaml:12:68: ${LARGE}: ${TOO_LARGE}`);
});

test('expressions that people write have room', () => {
  const expressions = Array.from({ length: 150 }, (_, index) => String.raw`/api/v[0-9]+/service-${index}/[a-z0-9_]+`);
  assert.is(refusal(withExpressions(HTTP, expressions)), 'taken');
});

test('aliases without end, depth without end, and files without end are refused', () => {
  const laughs = Array.from(
    { length: 12 },
    (_, index) =>
      `a${index}: &a${index} [${index ? `*a${index - 1}, *a${index - 1}, *a${index - 1}, *a${index - 1}, *a${index - 1}, *a${index - 1}, *a${index - 1}, *a${index - 1}, *a${index - 1}` : 'x'}]`,
  );
  assert.match(refusal(laughs.join('\n')), 'no usable YAML');
  assert.not.equal(refusal('['.repeat(100_000)), 'taken');
  for (const circular of ['&x\n- *x', 'mesh: &x\n  mtls: *x', 'services: &x { a: { hosts: *x } }'])
    assert.match(refusal(circular), 'policy.yaml:1:1: no usable YAML: an alias refers to what it is in');
  assert.match(refusal(`# ${'x'.repeat(1024 * 1024)}`), 'more than 1048576 bytes');
});

test('whatever a file holds, it is taken or refused with a line', () => {
  const bit = fc.constantFrom(
    'mesh:',
    'services:',
    ' a:',
    '  routes:',
    '   - to: [',
    ']',
    '{',
    '}',
    '\n',
    ' ',
    '- ',
    'mtls: STRICT',
    '*x',
    '&x',
    '"',
    '0',
    ':',
  );
  fc.assert(
    fc.property(fc.array(bit, { maxLength: 30 }), (bits) => {
      const told = refusal(bits.join(''));
      assert.ok(told === 'taken' || /^policy\.yaml:\d+:\d+: ./.test(told), told);
    }),
    { numRuns: 500 },
  );
});

test.run();

/** Policy files: what is refused, with which words and where. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
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
  ['an expression that is none', '(b|c)', '(b|c', 'policy.yaml:10:24: Invalid regular expression'],
  ['an expression that only JavaScript knows', '(b|c)', '(?=b)', "policy.yaml:10:24: /a(?=b)+: expressions are RE2's"],
  [
    'weights of which none is more than 0',
    'weight: 80}, {subset: v2, weight: 20',
    'weight: 0}, {subset: v2, weight: 0',
    'policy.yaml:11:9: all weights are 0',
  ],
  ['text that is no YAML', 'services:', 'services: [', 'policy.yaml:'],
];
for (const [what, from, to, wanted] of CASES)
  test(`${what} is refused with its place`, () => {
    assert.is(refusal(GOOD), 'taken');
    assert.ok(refusal(GOOD.replace(from, to)).startsWith(wanted), refusal(GOOD.replace(from, to)));
  });

test('all that is wrong is told at once', () => {
  const lines = refusal(GOOD.replace('STRICT', 'strict').replace('8000', '80000')).split('\n');
  assert.is(lines.length, 2);
});

test('aliases without end, depth without end, and files without end are refused', () => {
  const laughs = Array.from(
    { length: 12 },
    (_, index) =>
      `a${index}: &a${index} [${index ? `*a${index - 1}, *a${index - 1}, *a${index - 1}, *a${index - 1}, *a${index - 1}, *a${index - 1}, *a${index - 1}, *a${index - 1}, *a${index - 1}` : 'x'}]`,
  );
  assert.match(refusal(laughs.join('\n')), 'no usable YAML');
  assert.not.equal(refusal('['.repeat(100_000)), 'taken');
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

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { commonNamePattern, dnsPattern, uriPattern } from './patterns.ts';

const TABLE: readonly [
  kind: string,
  make: (pattern: string) => ((name: string) => boolean) | undefined,
  pattern: string,
  yes: readonly string[],
  no: readonly string[],
][] = [
  ['cn', commonNamePattern, 'ann', ['ann'], ['Ann', 'anna', ' ann', '']],
  ['cn', commonNamePattern, 'build-*', ['build-', 'build-7', 'build-\n7'], ['rebuild-7']],
  ['cn', commonNamePattern, '*@example.org', ['ann@example.org'], ['ann@exampleXorg', 'ann@example.org.evil']],
  [
    'dns',
    dnsPattern,
    'db.example.org',
    ['db.example.org', 'DB.Example.ORG', 'db.example.org.'],
    ['x.db.example.org', 'db-example.org', '*.example.org'],
  ],
  [
    'dns',
    dnsPattern,
    '*.example.org',
    ['a.example.org', 'A.EXAMPLE.org'],
    [
      'example.org',
      'a.b.example.org',
      '*.example.org',
      '.example.org',
      'a.example.org\u0000.evil',
      'a,b.example.org',
      '\u212A.example.org',
    ],
  ],
  [
    'uri',
    uriPattern,
    'spiffe://d/ns/a/sa/b',
    ['spiffe://d/ns/a/sa/b'],
    ['spiffe://D/ns/a/sa/b', 'spiffe://d/ns/a/sa/b/'],
  ],
  [
    'uri',
    uriPattern,
    'spiffe://d/ns/*/sa/b',
    ['spiffe://d/ns/a/sa/b'],
    [
      'spiffe://d/ns/a/x/sa/b',
      'spiffe://d/ns//sa/b',
      'spiffe://d/ns/../sa/b',
      'spiffe://d/ns/%2E%2e/sa/b',
      'spiffe://d/ns/?/sa/b',
    ],
  ],
  [
    'uri',
    uriPattern,
    'spiffe://d/**',
    ['spiffe://d/a', 'spiffe://d/a/b/c'],
    ['spiffe://d', 'spiffe://d/', 'spiffe://dd/a', 'spiffe://d/a/../b', 'spiffe://d/a#x', 'spiffe://d/a//b'],
  ],
  ['uri', uriPattern, 'urn:dev:*', ['urn:dev:7'], ['urn:dev:a/b', 'urn:other:7']],
];

for (const [kind, make, pattern, yes, no] of TABLE) {
  test(`${kind} ${pattern} matches what it should and nothing else`, () => {
    const matches = make(pattern)!;
    for (const name of yes) assert.ok(matches(name), `should match ${JSON.stringify(name)}`);
    for (const name of no) assert.not(matches(name), `should not match ${JSON.stringify(name)}`);
  });
}

test('patterns that are none are not taken', () => {
  for (const bad of ['*', 'a.*.org', 'a*.org', '*.*.org', '', 'a..b', 'a b', 'é.org'])
    assert.is(dnsPattern(bad), undefined, bad);
  for (const bad of ['no-scheme', '/path', '*', '://x', 'x:']) assert.is(uriPattern(bad), undefined, bad);
});

test('a wildcard covers exactly one label, whatever the label', () => {
  const matches = dnsPattern('*.example.org')!;
  fc.assert(
    fc.property(fc.string({ maxLength: 12 }), (label) => {
      assert.is(matches(`${label}.example.org`), /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?$/i.test(label));
    }),
  );
});

test('a pattern without a wildcard matches itself alone', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (pattern, name) => {
      fc.pre(!pattern.includes('*'));
      assert.is(commonNamePattern(pattern)(name), pattern === name);
      assert.ok(commonNamePattern(pattern)(pattern));
    }),
  );
});

test.run();

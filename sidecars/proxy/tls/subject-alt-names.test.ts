import { X509Certificate } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { normalizeDnsName, parseAltNames, wildcardOf } from './subject-alt-names.ts';
import { certify } from '#kit/testing/certify.ts';

test('plain and quoted names are read', () => {
  assert.equal(
    parseAltNames('DNS:a.example, URI:"spiffe://a\\u002c DNS:evil", IP Address:1.2.3.4, Registered ID:1.2'),
    [
      { type: 'DNS', value: 'a.example' },
      { type: 'URI', value: 'spiffe://a, DNS:evil' },
      { type: 'IP Address', value: '1.2.3.4' },
      { type: 'Registered ID', value: '1.2' },
    ],
  );
  assert.equal(parseAltNames(undefined), []);
  assert.equal(parseAltNames(''), []);
});

test('text that does not follow the grammar is an error, not a name', () => {
  for (const text of [
    'DNS',
    'DNS:a,DNS:b',
    'DNS:"a',
    'DNS:"a"b',
    'DNS:a", DNS:b',
    '"DNS:a"',
    ', DNS:a',
    'DNS:"\\x"',
    'DNS:a b, c',
  ]) {
    assert.throws(() => parseAltNames(text), undefined, text);
  }
});

test('a name in a certificate never reads as another name, whatever characters it holds', async () => {
  const hostile = fc.array(
    fc.constantFrom(
      'a',
      'DNS:',
      'URI:',
      ', ',
      ',',
      '"',
      '\\',
      '\n',
      '\u0000',
      ':',
      ' ',
      "'",
      '.',
      '=',
      '\\"',
      '\\u002c',
    ),
    { minLength: 1, maxLength: 8 },
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          type: fc.constantFrom('dns' as const, 'url' as const, 'email' as const),
          value: hostile.map((parts) => parts.join('')),
        }),
        { minLength: 1, maxLength: 4 },
      ),
      async (altNames) => {
        const { cert } = await certify({ altNames });
        const types = { dns: 'DNS', url: 'URI', email: 'email' };
        assert.equal(
          parseAltNames(new X509Certificate(cert).subjectAltName),
          altNames.map(({ type, value }) => ({ type: types[type], value })),
        );
      },
    ),
    { numRuns: 150 },
  );
});

test('DNS names are compared as ASCII in lower case without a trailing dot', () => {
  assert.is(normalizeDnsName('WWW.Example.ORG.'), 'www.example.org');
  assert.is(normalizeDnsName('*.Example.ORG'), '*.example.org');
  assert.is(normalizeDnsName('xn--bcher-kva.example'), 'xn--bcher-kva.example');
  for (const none of [
    '',
    '.',
    '*',
    'a..b',
    '-a',
    'a-',
    'bücher.example',
    '\u212Aelvin.example',
    'a b',
    'a\u0000b',
    'a.*.b',
    `${'a'.repeat(64)}.b`,
    `${'a.'.repeat(127)}b`,
  ])
    assert.is(normalizeDnsName(none), undefined, none);
});

test('one wildcard covers a host', () => {
  assert.is(wildcardOf('www.example.org'), '*.example.org');
  assert.is(wildcardOf('localhost'), '*');
});

test.run();

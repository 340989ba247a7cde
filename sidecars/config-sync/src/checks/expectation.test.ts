import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Invalid } from '../documents/invalid.ts';
import { parseExpectation, shows } from './expectation.ts';
import { parseSubject } from './verify.ts';

const id = { version: '7', digest: 'abc' };
const before = { version: '', digest: 'abc' };
const content = Buffer.from('name=x\nrelease=1.2 \n');

test('texts and patterns', () => {
  assert.is(parseExpectation('{version}')(id, content), '7');
  assert.is(parseExpectation('v{version}-{digest}')(id, content), 'v7-abc');
  assert.is(parseExpectation('/^release=(.+)$/m')(id, content), '1.2');
  assert.is(parseExpectation('/^RELEASE=(.+)$/mig')(id, content), '1.2');
});

test('what was there before the first document has no version, but may have a release', () => {
  assert.is(parseExpectation('{version}')(before, content), undefined);
  assert.is(parseExpectation('/^release=(.+)$/m')(before, content), '1.2');
  assert.is(parseExpectation('/^nothing=(.+)$/m')(before, content), undefined);
});

test('a document that a pattern would search without end, or finds a book in, is invalid', () => {
  for (const [pattern, text] of [
    ['/^(a+)+$/', `${'a'.repeat(60)}!`],
    ['/^release=(.+)$/m', `release=${'x'.repeat(5000)}`],
  ] as const) {
    const began = performance.now();
    assert.throws(
      () => parseExpectation(pattern)(id, Buffer.from(text)),
      (error: Error) => error instanceof Invalid && /takes longer|longer than 1000/.test(error.message),
    );
    assert.ok(performance.now() - began < 30_000);
  }
});

test('a document without what is to be shown is invalid', () => {
  assert.throws(
    () => parseExpectation('/^nothing=(.+)$/m')(id, content),
    (error: Error) => error instanceof Invalid,
  );
});

test('a pattern that is none, or has no group, is an error', () => {
  for (const text of ['/(/', '/x/', '/(a)(b)/', '/(a)/q']) assert.throws(() => parseExpectation(text), undefined, text);
});

test('a version is shown as a whole word', () => {
  assert.ok(shows('{"version":1}', '1'));
  assert.ok(shows('21 and 1', '1'));
  assert.not(shows('21', '1'));
  assert.not(shows('1x', '1'));
  assert.ok(shows('x"v1"y', '"v1"'), 'a quote needs no blank before it');
  fc.assert(
    fc.property(fc.nat(), fc.nat(), (a, b) => {
      assert.is(shows(`version ${a}, `, String(b)), a === b);
    }),
  );
});

test('verifications are read, or refused with what is accepted', () => {
  assert.equal(parseSubject('shows:http://127.0.0.1:80/v'), { kind: 'shows-url', url: 'http://127.0.0.1:80/v' });
  assert.equal(parseSubject('shows:/run/version'), { kind: 'shows-file', path: '/run/version' });
  assert.equal(parseSubject('healthy:https://x/'), { kind: 'healthy-url', url: 'https://x/' });
  assert.equal(parseSubject('healthy:tcp:[::1]:80'), { kind: 'healthy-tcp', host: '::1', port: 80 });
  for (const text of [
    '',
    'shows:',
    'shows:x',
    'healthy:/x',
    'healthy:tcp:x',
    'healthy:tcp:x:0',
    'healthy:tcp:x:99999',
    'http://x',
  ])
    assert.throws(() => parseSubject(text), /accepted is shows:URL/, text);
});

test.run();

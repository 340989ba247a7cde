import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { makePair, type Pair } from './pair.ts';
import { bundleOf, isDue, served, valid } from './renewal.ts';

const pair = (cert: string, notAfter: number): Pair => ({ cert, key: '', notBefore: 0, notAfter });
const OLD = pair('old', 300);
const YOUNG = pair('young', 900);
const DELAY = 10;

test('a certificate is due when none is valid, and when a third of a lifetime is left', () => {
  assert.is(isDue([], 300, 0), true);
  assert.is(isDue([OLD], 300, 199), false);
  assert.is(isDue([OLD], 300, 201), true);
  assert.is(isDue([OLD, YOUNG], 300, 201), false);
  assert.is(isDue([OLD], 300, 300), true);
});

test('all that have not ended are trusted, the youngest first', () => {
  assert.is(bundleOf([OLD, YOUNG], 0), 'youngold');
  assert.is(bundleOf([OLD, YOUNG], 300), 'young');
  assert.equal(valid([OLD], 300), []);
});

test('a certificate is served only when the API server was told of it, and had time to hear', () => {
  const both = [OLD, YOUNG];
  assert.is(served(both, new Map(), DELAY, 0), undefined);
  assert.is(served(both, new Map([['old', 0]]), DELAY, 100), OLD);
  const told = new Map([
    ['old', 0],
    ['young', 100],
  ]);
  assert.is(served(both, told, DELAY, 105), OLD);
  assert.is(served(both, told, DELAY, 110), YOUNG);
  assert.is(served([YOUNG], new Map([['young', 100]]), DELAY, 100), YOUNG, 'there is no other');
  assert.is(served(both, told, DELAY, 900), undefined);
});

test('a certificate is for the Service, for its lifetime, and signs nothing else', async () => {
  const now = Date.now();
  const { cert, notAfter } = await makePair(['a.b.svc'], 60_000, now);
  const { X509Certificate } = await import('node:crypto');
  const read = new X509Certificate(cert);
  assert.is(read.subjectAltName, 'DNS:a.b.svc');
  assert.is(read.ca, false);
  assert.ok(Math.abs(notAfter - now - 60_000) <= 1000);
});

test.run();

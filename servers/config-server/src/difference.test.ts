import { applyPatch } from 'diff';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { difference } from './difference.ts';

const between = (from: string | Uint8Array, to: string | Uint8Array): string =>
  difference({ name: 'old', content: Buffer.from(from) }, { name: 'new', content: Buffer.from(to) }, 5000)!;

const text = fc
  .array(fc.constantFrom('a', 'b', 'c', '', 'é', '-', '+'), { maxLength: 12 })
  .map((lines) => lines.join('\n'));

test('the diff makes the new text of the old one', () => {
  fc.assert(
    fc.property(text, text, (from, to) => {
      const patch = between(from, to);
      assert.is(patch === '', from === to);
      if (patch !== '') assert.is(applyPatch(from, patch), to);
    }),
  );
});

test('a changed line is named with its neighbours', () => {
  assert.is(between('a\nb\nc\n', 'a\nB\nc\n'), '--- old\n+++ new\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n');
});

test('what is no text is said to be none', () => {
  for (const bytes of [Uint8Array.of(0xff, 0xfe), Uint8Array.of(97, 0, 98)])
    assert.match(between('a', bytes), /are no text/);
});

test('texts that have nothing in common are given up in time', () => {
  const lines = (salt: number): Buffer =>
    Buffer.from(Array.from({ length: 20_000 }, (_, index) => String((index * 7919 + salt) % 1_000_003)).join('\n'));
  const began = performance.now();
  const sides = [
    { name: 'old', content: lines(1) },
    { name: 'new', content: lines(500_000) },
  ] as const;
  assert.is(difference(...sides, 100), undefined);
  assert.ok(performance.now() - began < 30_000, `${performance.now() - began} ms`);
});

test.run();

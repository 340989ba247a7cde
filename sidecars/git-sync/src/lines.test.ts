/** Output of a program becomes lines that a terminal can show. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Lines, printable } from './lines.ts';

function linesOf(pieces: readonly Buffer[]): string[] {
  const found: string[] = [];
  const lines = new Lines((line) => found.push(line));
  for (const piece of pieces) lines.add(piece);
  lines.end();
  return found;
}

test('however output is cut, the lines are the same', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme', maxLength: 20 })), fc.array(fc.nat(200)), (texts, cuts) => {
      const whole = Buffer.from(texts.map((text) => `${text.replaceAll('\n', '')}\n`).join(''));
      const places = [0, ...cuts.map((cut) => Math.min(cut, whole.length)).toSorted((a, b) => a - b), whole.length];
      const pieces = places.slice(1).map((end, index) => whole.subarray(places[index], end));
      assert.equal(linesOf(pieces), linesOf([whole]));
      assert.is(linesOf(pieces).length, texts.length);
    }),
  );
});

test('nothing that moves a cursor or changes a colour gets through', () => {
  assert.is(printable('\u001B[31mred\u001B[0m\tand \u001B]0;title\u0007\bplain\r'), 'red    and plain');
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      assert.not.match(printable(text.replaceAll('\n', '')), /[\p{Cc}\u2028\u2029\u202A-\u202E\u2066-\u2069]/u);
    }),
  );
});

test('a line without an end is cut, and takes bounded memory', () => {
  const found = linesOf(Array.from({ length: 1000 }, () => Buffer.alloc(10_000, 'x')));
  assert.equal(
    found.map((line) => line.length),
    [500],
  );
});

test.run();

/** Messages in a stream, however it is cut into pieces. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { SyslogFramer } from './framer.ts';

const LIMIT = 64;

/** The messages of a stream that comes in pieces; a + behind those that were cut. */
function framed(pieces: readonly (string | Uint8Array)[], limit = LIMIT): string[] {
  const framer = new SyslogFramer(limit);
  const show = ({ bytes, cut }: { bytes: Buffer; cut: boolean }): string => bytes.toString('latin1') + (cut ? '+' : '');
  const frames = pieces.flatMap((piece) => [...framer.push(Buffer.from(piece as string))].map(show));
  const last = framer.end();
  return last === undefined ? frames : [...frames, show(last)];
}

test('octets are counted, lines end, and a sender may use both', () => {
  assert.equal(framed(['5 <1>ab6 <1>\nab<2>line\n\n', '4 <3>x\n<4>last']), [
    '<1>ab',
    '<1>\nab',
    '<2>line',
    '<3>x',
    '<4>last',
  ]);
  assert.equal(
    framed(['12', '3abc\n', '1234567890 x\n', '0 y\n']),
    ['123abc', '1234567890 x', '0 y'],
    'digits that are no length',
  );
  assert.equal(framed(['10 <1>abc']), ['<1>abc+'], 'less than was announced');
  assert.equal(framed(['12']), ['12']);
  assert.equal(framed(['']), []);
});

test('what is longer than the limit is cut, and what is behind it is read', () => {
  const long = 'x'.repeat(1000);
  assert.equal(framed([`1000 ${long}<1>a\n${long}\n<2>b\n`]), [
    `${'x'.repeat(LIMIT)}+`,
    '<1>a',
    `${'x'.repeat(LIMIT)}+`,
    '<2>b',
  ]);
  assert.equal(framed(['999999999 ', long, long]), [`${'x'.repeat(LIMIT)}+`]);
});

const text = fc
  .string({ unit: fc.constantFrom(...'<1>ab 9'.split('')), minLength: 1, maxLength: 30 })
  .map((rest) => `<${rest}`);
const message = fc.oneof(
  text.map((body) => ({ wire: `${body}\n`, body })),
  fc
    .string({ unit: fc.constantFrom(...'<\n1> '.split('')), minLength: 1, maxLength: 30 })
    .map((body) => ({ wire: `${body.length} ${body}`, body })),
);

test('pieces make no difference', () => {
  fc.assert(
    fc.property(fc.array(message), fc.infiniteStream(fc.integer({ min: 1, max: 7 })), (messages, cuts) => {
      const wire = messages.map((each) => each.wire).join('');
      const pieces: string[] = [];
      for (let at = 0; at < wire.length;) {
        const size = cuts.next().value!;
        pieces.push(wire.slice(at, at + size));
        at += size;
      }
      assert.equal(
        framed(pieces),
        messages.map(({ body }) => body),
      );
    }),
    { numRuns: 500 },
  );
});

test('any bytes: no more comes out than went in, and none is longer than the limit', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array()), (pieces) => {
      const framer = new SyslogFramer(LIMIT);
      const all = [...pieces.flatMap((piece) => [...framer.push(Buffer.from(piece))]), framer.end()];
      const sizes = all.map((frame) => frame?.bytes.length ?? 0);
      assert.ok(sizes.every((size) => size <= LIMIT));
      assert.ok(sizes.reduce((sum, size) => sum + size, 0) <= pieces.reduce((sum, { length }) => sum + length, 0));
    }),
    { numRuns: 500 },
  );
});

test.run();

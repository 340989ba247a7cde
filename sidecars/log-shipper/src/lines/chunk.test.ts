import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Chunk } from './chunk.ts';

test('lines and texts of a long chunk are those of its bytes, asked for in any order', () => {
  // Up to and beyond what becomes one string.
  const length = fc.oneof(fc.nat(200), fc.integer({ min: 32_700, max: 32_800 }), fc.nat(100_000));
  fc.assert(
    fc.property(
      fc.array(length, { maxLength: 12 }),
      fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), length), { maxLength: 30 }),
      fc.boolean(),
      (lengths, asked, isAscii) => {
        const text = lengths.map((each, at) => `${isAscii ? 'x' : 'é'}${String(at).padEnd(each, 'y')}\n`).join('');
        const buffer = Buffer.from(text);
        const chunk = new Chunk(buffer);
        let line = 0;
        for (let newline = chunk.newline(0); newline !== -1; newline = chunk.newline(line)) {
          assert.is(newline, buffer.indexOf(10, line));
          assert.is(chunk.text(line, newline), buffer.toString('utf8', line, newline));
          line = newline + 1;
        }
        assert.is(line, buffer.length);
        if (!isAscii) return;
        for (const [place, many] of asked) {
          const from = Math.floor(place * buffer.length);
          const to = Math.min(buffer.length, from + many);
          assert.is(chunk.newline(from), buffer.indexOf(10, from));
          assert.is(chunk.text(from, to), buffer.toString('latin1', from, to));
        }
      },
    ),
    { numRuns: 200 },
  );
});

test.run();

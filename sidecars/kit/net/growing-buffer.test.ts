import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { GrowingBuffer } from './growing-buffer.ts';

test('whatever the pieces are, all bytes are there in their order', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 3000 }), { maxLength: 50 }), (pieces) => {
      const gathered = new GrowingBuffer();
      for (const piece of pieces) gathered.add(piece);
      assert.ok(gathered.bytes.equals(Buffer.concat(pieces)));
    }),
  );
});

test('a megabyte in pieces of a byte takes two, and no square of time', () => {
  const gathered = new GrowingBuffer();
  for (let count = 0; count < 1024 * 1024; count++) gathered.add(Buffer.from([count & 255]));
  assert.is(gathered.length, 1024 * 1024);
  assert.ok(gathered.bytes.buffer.byteLength <= 2 * 1024 * 1024);
});

test.run();

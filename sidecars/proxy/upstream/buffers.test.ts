import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ReadBuffer, recycle, type PooledBuffer } from './buffers.ts';

test('a buffer that was lent is read into by nobody until it is given back', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          socket: fc.nat(2),
          size: fc.constantFrom(1, 100, 8192, 70_000),
          lend: fc.boolean(),
          giveBack: fc.nat(3),
        }),
        { maxLength: 200 },
      ),
      (steps) => {
        const sockets = [new ReadBuffer(), new ReadBuffer(), new ReadBuffer()];
        const lent: PooledBuffer[] = [];
        for (const { socket, size, lend, giveBack } of steps) {
          const reading = sockets[socket]!;
          if (lend) lent.push(reading.lend());
          reading.next(Math.min(size, reading.buffer.size));
          for (const back of lent.splice(0, giveBack)) recycle(back);
          const inUse = [...lent, ...sockets.map(({ buffer }) => buffer)];
          assert.is(new Set(inUse).size, inUse.length);
        }
        for (const reading of sockets) reading.close();
        for (const back of lent) recycle(back);
      },
    ),
  );
});

test('a buffer grows with what comes, and shrinks when it stays small', () => {
  const reading = new ReadBuffer();
  const small = reading.buffer.size;
  assert.is(reading.next(100).size, small);
  const large = reading.next(small).size;
  assert.is(large > 64 * 1024, true);
  assert.is(reading.next(large).size, large);
  for (let round = 0; round < 40; round++) reading.next(100);
  assert.is(reading.buffer.size, small);
});

test.run();

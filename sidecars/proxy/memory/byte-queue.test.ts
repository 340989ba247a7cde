import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as fc from 'fast-check';
import { ByteQueue } from './byte-queue.ts';

test('what goes in comes out in its order, whatever the pieces', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom(0, 1, 7, 500, 16_383, 16_384, 40_000), fc.boolean(), fc.nat(50_000)), {
        maxLength: 60,
      }),
      fc.boolean(),
      (steps, whole) => {
        const queue = new ByteQueue();
        let expected = Buffer.alloc(0);
        for (const [index, [size, stays, drops]] of steps.entries()) {
          const piece = Buffer.alloc(size + 2, index);
          queue.add(piece, 1, size + 1, stays);
          expected = Buffer.concat([expected, piece.subarray(1, size + 1)]);
          // What was copied does not change with what it was copied from.
          if (!stays) piece.fill(255);
          if (queue.size > 0) {
            const count = Math.min(drops, queue.front.length);
            assert.ok(queue.front.subarray(0, count).equals(expected.subarray(0, count)));
            queue.drop(count);
            expected = expected.subarray(count);
          }
          assert.is(queue.size, expected.length);
        }
        if (whole) assert.ok(queue.take().equals(expected));
        else
          for (; queue.size > 0; queue.drop(queue.front.length)) {
            const { front } = queue;
            assert.ok(front.length > 0 && front.equals(expected.subarray(0, front.length)));
            expected = expected.subarray(front.length);
          }
        assert.is(queue.size, 0);
      },
    ),
  );
});

test('a million pieces of a byte lie in a hundred blocks, and leave without a search', () => {
  const queue = new ByteQueue();
  const byte = Buffer.from('x');
  const before = process.memoryUsage().arrayBuffers;
  for (let each = 0; each < 1_000_000; each++) queue.add(byte, 0, 1);
  assert.ok(process.memoryUsage().arrayBuffers - before < 2_000_000);
  let blocks = 0;
  for (; queue.size > 0; blocks++) queue.drop(queue.front.length);
  assert.ok(blocks < 100, `${blocks}`);
});

test('a queue that is never empty keeps no used block, and moves each block twice at most', () => {
  const queue = new ByteQueue();
  const piece = Buffer.alloc(16 * 1024);
  const { splice } = Array.prototype;
  const WAITING = 1000;
  const COUNT = 20_000;
  let moved = 0;
  let most = 0;
  Array.prototype.splice = function (this: unknown[], ...args: [number, number]) {
    most = Math.max(most, this.length);
    moved += this.length;
    return splice.apply(this, args);
  };
  try {
    for (let each = 0; each < WAITING; each++) queue.add(piece, 0, piece.length, true);
    for (let each = 0; each < COUNT; each++) {
      queue.add(piece, 0, piece.length, true);
      queue.drop(queue.front.length);
    }
  } finally {
    Array.prototype.splice = splice;
  }
  assert.ok(most > 0 && most <= 2 * WAITING + 2, `${most} blocks`);
  assert.ok(moved <= 2 * (WAITING + COUNT), `${moved} moves`);
});

test.run();

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as fc from 'fast-check';
import { Fifo } from './fifo.ts';

test('what goes in comes out in its order', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(200), fc.nat(200)), { maxLength: 20 }), (steps) => {
      const fifo = new Fifo<number>();
      let [pushed, shifted] = [0, 0];
      for (const [pushes, shifts] of steps) {
        for (let each = 0; each < pushes; each++) fifo.push(pushed++);
        for (let each = 0; each < shifts; each++) {
          assert.is(fifo.first, shifted < pushed ? shifted : undefined);
          assert.is(fifo.shift(), shifted < pushed ? shifted++ : undefined);
        }
        assert.is(fifo.length, pushed - shifted);
      }
    }),
  );
});

test('a queue that is never empty keeps no used place, and moves each item twice at most', () => {
  const fifo = new Fifo<number>();
  const { slice } = Array.prototype;
  const WAITING = 1000;
  const COUNT = 100_000;
  let moved = 0;
  let most = 0;
  Array.prototype.slice = function (this: unknown[], ...args: [number?, number?]) {
    const rest = slice.apply(this, args);
    moved += rest.length;
    most = Math.max(most, this.length);
    return rest;
  };
  try {
    for (let each = 0; each < WAITING; each++) fifo.push(each);
    for (let each = 0; each < COUNT; each++) {
      fifo.push(each);
      fifo.shift();
    }
  } finally {
    Array.prototype.slice = slice;
  }
  assert.ok(most > 0 && most <= 2 * WAITING + 2, `${most} places`);
  assert.ok(moved <= 2 * (WAITING + COUNT), `${moved} moves`);
});

test.run();

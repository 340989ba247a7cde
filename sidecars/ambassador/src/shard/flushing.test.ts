/** In which order and how often pieces are written. */
import { Writable } from 'node:stream';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { writeTogether } from './flushing.ts';

test('small pieces are joined, large ones are not copied, all leave in one call', () => {
  const calls: Buffer[][] = [];
  const stream = new Writable({
    writev(chunks, done) {
      calls.push(chunks.map(({ chunk }) => chunk as Buffer));
      done();
    },
  });
  const large = Buffer.alloc(64 * 1024, 'L');
  writeTogether(stream, [Buffer.from('a'), Buffer.from('b'), large, Buffer.from('c'), Buffer.from('d')]);
  assert.is(calls.length, 1);
  const [first, second, third] = calls[0]!;
  assert.equal([String(first), String(third)], ['ab', 'cd']);
  assert.is(second, large, 'not a copy');
});

test.run();

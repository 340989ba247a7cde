/** How often bytes that wait are copied. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ByteQueue } from './byte-queue.ts';

test('what waits for more gets room for all of it, and stays where it is when that comes', () => {
  const queue = new ByteQueue();
  queue.push(Buffer.alloc(65_536, 'a'));
  queue.expect(65_580);
  queue.detach();
  const { bytes } = queue;
  assert.is(bytes.length, 65_580);
  queue.push(Buffer.alloc(44, 'b'));
  assert.is(queue.bytes, bytes);
  assert.is(String(queue.bytes), 'a'.repeat(65_536) + 'b'.repeat(44));
});

test('a length alone reserves no more than sixteen times what was sent', () => {
  const queue = new ByteQueue();
  queue.push(Buffer.alloc(100, 'a'));
  queue.expect(30_000_000);
  queue.detach();
  assert.is(queue.bytes.length, 1600);
});

test.run();

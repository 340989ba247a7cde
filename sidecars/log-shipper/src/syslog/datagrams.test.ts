/** Datagrams that wait: the oldest go, and none of one sender for another's. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Datagrams } from './datagrams.ts';

const ROOM = 100_000;
/** With what one costs besides, a hundredth of the room. */
const SIZE = ROOM / 100 - 256;

const fill = (datagrams: Datagrams, address: string, count: number): number => {
  let dropped = 0;
  for (let index = 0; index < count; index++)
    dropped += datagrams.add({ bytes: Buffer.alloc(SIZE, index % 256), address });
  return dropped;
};

test('a sender that floods loses its own oldest, and keeps a quarter of the room', () => {
  const datagrams = new Datagrams(ROOM);
  assert.is(fill(datagrams, 'quiet', 3), 0);
  assert.is(fill(datagrams, 'loud', 200), 175);
  assert.is(datagrams.size, 28);
  const taken = datagrams.take(100);
  assert.is(taken.filter(({ address }) => address === 'quiet').length, 3);
  assert.equal([taken[3]!.bytes[0], taken.at(-1)!.bytes[0]], [175, 199], 'the newest are there');
  assert.is(datagrams.size, 0);
});

test('of many senders, the oldest go', () => {
  const datagrams = new Datagrams(ROOM);
  let dropped = 0;
  for (let sender = 0; sender < 300; sender++) dropped += fill(datagrams, String(sender), 1);
  assert.equal([dropped, datagrams.size], [200, 100]);
  assert.is(datagrams.take(1)[0]!.address, '200');
});

test('one that is larger than the room is still taken, alone', () => {
  const datagrams = new Datagrams(1000);
  fill(datagrams, 'a', 1);
  assert.is(datagrams.add({ bytes: Buffer.alloc(65_507), address: 'b' }), 1);
  assert.is(datagrams.size, 1);
});

test.run();

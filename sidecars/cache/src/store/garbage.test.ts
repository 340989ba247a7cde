/** When memory that left the store is collected. */
import { runInNewContext } from 'node:vm';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { setFlagsFromString } from 'node:v8';
import { eventually } from '#kit/testing/eventually.ts';
import { parseCacheControl } from '../policy/directives.ts';
import { fieldsOf } from '../policy/testing.ts';
import { Garbage } from './garbage.ts';
import { Store } from './store.ts';
import { Stored } from './stored.ts';

setFlagsFromString('--expose-gc');
Object.assign(globalThis, { gc: runInNewContext('gc') });

const MIB = 1024 * 1024;
const HEAD = {
  status: 200,
  lines: '',
  selecting: [],
  tags: [],
  directives: parseCacheControl(fieldsOf([])),
  freshness: { lifetime: 60, source: 'explicit' as const },
  initialAge: 0,
  responseTime: 0,
  staleSince: undefined,
};
const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

test('once for as much as may lie about, and not within a request', async () => {
  let collected = 0;
  const garbage = new Garbage({ most: 8 * MIB, onInUse: () => {}, collect: () => collected++ });
  garbage.add(7 * MIB);
  await turn();
  assert.is(collected, 0);
  for (let each = 0; each < 10; each++) garbage.add(MIB);
  assert.is(collected, 0);
  await turn();
  await turn();
  assert.is(collected, 1);
  garbage.add(7 * MIB);
  await turn();
  assert.is(collected, 1);
});

test('a small store does not collect for next to nothing', async () => {
  let collected = 0;
  const garbage = new Garbage({ most: 1000, onInUse: () => {}, collect: () => collected++ });
  garbage.add(MIB);
  await turn();
  assert.is(collected, 0);
});

test('a body that is still in use counts until it can be collected', async () => {
  let inUse = 0;
  const collect = (): void => (globalThis as { gc?: () => void }).gc?.();
  const garbage = new Garbage({ most: 4 * MIB, onInUse: (bytes) => (inUse += bytes), collect, collects: true });
  const read: ArrayBufferLike[] = [Buffer.allocUnsafeSlow(5 * MIB).buffer];
  garbage.add(5 * MIB, read[0]);
  garbage.add(4 * MIB, Buffer.allocUnsafeSlow(4 * MIB).buffer);
  await eventually('what is in use is counted', () => inUse === 5 * MIB);
  read.pop();
  await eventually('and then no longer', () => {
    garbage.add(4 * MIB);
    return inUse === 0;
  });
});

test('what is stored and evicted within one turn is no room for more, until it is collected', async () => {
  const garbage = new Garbage({ most: 8 * MIB, onInUse: () => {}, collect: () => {}, collects: true });
  const store = new Store({
    memory: 30 * MIB,
    uncollected: () => garbage.uncollected,
    maxVariants: 1,
    onEvict: (_reason, size, stored) => garbage.add(size, stored?.body.buffer),
  });
  // As a burst of clients does that do not read: each body comes, is stored, and makes room by the one before.
  let taken = 0;
  const burst = (): void => {
    for (let index = 0; index < 40 && store.memory.reserve(8 * MIB); index++) {
      store.memory.release(8 * MIB);
      taken++;
      store.put(new Stored({ ...HEAD, key: `http://a/${taken}` }, Buffer.allocUnsafeSlow(8 * MIB)));
    }
  };
  burst();
  assert.is(taken, 3 + 3, 'what lies in the store, and as much again that has left it');
  await turn();
  await turn();
  burst();
  assert.ok(taken > 6, 'there is room again');
});

test.run();

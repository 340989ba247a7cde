/** When memory that left the store is collected. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Garbage } from './garbage.ts';

const MIB = 1024 * 1024;
const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

test('once for as much as may lie about, and not within a request', async () => {
  let collected = 0;
  const garbage = new Garbage(8 * MIB, () => collected++);
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
  const garbage = new Garbage(1000, () => collected++);
  garbage.add(MIB);
  await turn();
  assert.is(collected, 0);
});

test.run();

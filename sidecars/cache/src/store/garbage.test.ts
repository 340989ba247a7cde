/** When memory that left the store is collected. */
import { runInNewContext } from 'node:vm';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { setFlagsFromString } from 'node:v8';
import { eventually } from '#kit/testing/eventually.ts';
import { Garbage, Pressure } from './garbage.ts';

setFlagsFromString('--expose-gc');
Object.assign(globalThis, { gc: runInNewContext('gc') });

const MIB = 1024 * 1024;
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

test('a process is collected at each peak: after a high one the next is no later', () => {
  const pressure = new Pressure(256 * MIB);
  assert.not.ok(pressure.calls(120 * MIB), 'far from the limit');
  assert.ok(pressure.calls(200 * MIB));
  pressure.collected(190 * MIB);
  assert.not.ok(pressure.calls(200 * MIB), 'little more than what could not be collected');
  assert.not.ok(pressure.calls(100 * MIB));
  assert.ok(pressure.calls(130 * MIB), 'a new peak begins');
  assert.not.ok(new Pressure(0).calls(1024 * MIB), 'no limit');
});

test.run();

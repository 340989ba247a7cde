import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PeakMemory } from './peak-memory.ts';
import { eventually, steadily } from '../testing/eventually.ts';

test('memory is given back once when most of a peak are gone, and again after the next', async () => {
  let given = 0;
  const memory = new PeakMemory(() => given++);
  const to = (from: number, end: number): void => {
    for (let open = from; open !== end; open += Math.sign(end - from)) memory.update(open);
    memory.update(end);
  };
  to(0, 2000);
  to(2000, 10);
  await eventually('it is given back', () => given === 1);
  to(10, 400);
  to(400, 0);
  to(0, 2000);
  to(2000, 900);
  to(900, 1900);
  await steadily(() => assert.is(given, 1, 'a small peak, and a fall that was none'), 1500);
  to(1900, 0);
  await eventually('it is given back', () => given === 2);
});

test.run();

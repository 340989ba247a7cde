/** When memory of what was read and passed on is collected. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { collectUnderPressure, Pressure, received } from './pressure.ts';

const MIB = 1024 * 1024;

test('memory is checked after a number of bytes, however fast they come', () => {
  let collected = 0;
  // A limit that any process nears.
  const stop = collectUnderPressure({ limit: 1, collect: () => collected++ });
  received(7 * MIB);
  assert.is(collected, 0);
  received(MIB);
  assert.is(collected, 1);
  stop();
});

test('what was only passed on is collected without a collection of everything', () => {
  let resident = 150 * MIB;
  const collected: string[] = [];
  const stop = collectUnderPressure({
    limit: 256 * MIB,
    resident: () => resident,
    collect: () => collected.push('all'),
    collectYoung: () => {
      collected.push('young');
      resident = Math.max(140 * MIB, resident - 20 * MIB);
    },
  });
  received(8 * MIB);
  assert.equal(collected, ['young', 'all'], 'nobody knows yet what can be collected');
  for (let times = 0; times < 3; times++) {
    resident = 158 * MIB;
    received(8 * MIB);
  }
  assert.equal(collected, ['young', 'all', 'young', 'young', 'young']);
  resident = 200 * MIB;
  received(8 * MIB);
  assert.is(collected.at(-1), 'all', 'what is older lies about, too');
  stop();
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

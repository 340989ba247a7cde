/** A machine that sleeps: its wall clock jumps, and its timers do not. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { everyInterval, WallTimer } from './wall-clock.ts';

const HOUR = 3_600_000;

function sleeper() {
  let time = 1_000_000;
  return { now: () => time, every: 1, sleep: (duration: number) => (time += duration) };
}

test('an action is called once its time has come, although the machine slept until then', async () => {
  const clock = sleeper();
  const timer = new WallTimer(clock);
  let calls = 0;
  timer.set(clock.now() + 2 * HOUR, () => calls++);
  timer.look();
  assert.is(calls, 0);
  clock.sleep(3 * HOUR);
  await eventually('it is called', () => calls === 1);
  timer.look();
  assert.is(calls, 1);
});

test('a sign that the time may be over is enough', () => {
  const clock = { ...sleeper(), every: HOUR };
  const timer = new WallTimer(clock);
  let calls = 0;
  timer.set(clock.now() + 2 * HOUR, () => calls++);
  clock.sleep(2 * HOUR);
  timer.look();
  assert.is(calls, 1);
});

test('what has a beginning is due when the clock was set back before it', () => {
  const clock = { ...sleeper(), every: HOUR };
  const timer = new WallTimer(clock);
  let calls = 0;
  timer.set(clock.now() + HOUR, () => calls++, clock.now() - 1000);
  clock.sleep(-1000);
  timer.look();
  assert.is(calls, 0);
  clock.sleep(-1);
  timer.look();
  assert.is(calls, 1);
});

test('a later time takes the place of a former one, and none is left after clear', () => {
  const clock = { ...sleeper(), every: HOUR };
  const timer = new WallTimer(clock);
  const called: string[] = [];
  timer.set(clock.now() + HOUR, () => called.push('first'));
  timer.set(clock.now() + 2 * HOUR, () => called.push('second'));
  clock.sleep(HOUR);
  timer.look();
  assert.equal(called, []);
  clock.sleep(HOUR);
  timer.look();
  assert.equal(called, ['second']);
  timer.set(clock.now(), () => called.push('third'));
  timer.clear();
  timer.look();
  assert.equal(called, ['second']);
});

test('an interval is over when the machine has slept through it, and when its clock was set back', async () => {
  const clock = sleeper();
  let calls = 0;
  const stop = everyInterval(HOUR, () => calls++, clock);
  for (const [expected, jump] of [3 * HOUR, HOUR, -5 * HOUR].entries()) {
    clock.sleep(jump);
    await eventually('it is called', () => calls === expected + 1);
  }
  clock.sleep(HOUR - 1);
  let looked = false;
  new WallTimer(clock).set(clock.now(), () => (looked = true));
  await eventually('others were looked at', () => looked);
  assert.is(calls, 3);
  stop();
});

test.run();

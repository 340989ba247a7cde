/** One sync at a time, and one more for all that came meanwhile. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Loop, type Trigger } from './loop.ts';
import { eventually } from '#kit/testing/eventually.ts';

interface Run {
  readonly loop: Loop;
  readonly triggers: Trigger[];
  readonly release: () => void;
  readonly quiet: string[];
  fail: boolean;
}

function run(period = 3_600_000, due = (): number => Infinity): Run {
  const triggers: Trigger[] = [];
  const quiet: string[] = [];
  let waiting: (() => void) | undefined;
  const self: Run = {
    triggers,
    quiet,
    fail: false,
    release: () => {
      waiting?.();
      waiting = undefined;
    },
    loop: new Loop({
      period,
      sync: async (trigger, signal) => {
        triggers.push(trigger);
        await new Promise<void>((resolve, reject) => {
          waiting = resolve;
          signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
        });
        if (self.fail) throw new Error('down');
        return 'noop';
      },
      onOutcome: () => true,
      onFailure: () => true,
      quiet: {
        due,
        run: async (signal) => {
          quiet.push('begun');
          await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
          quiet.push('cut');
        },
      },
    }),
  };
  return self;
}

test('a burst of triggers during a sync is one sync after it', async () => {
  const it = run();
  it.loop.start();
  await eventually('the first runs', () => it.triggers.length === 1);
  for (let index = 0; index < 50; index++) it.loop.trigger('webhook');
  it.loop.trigger('rollback');
  assert.equal(it.triggers, ['start']);
  it.release();
  await eventually('the second runs', () => it.triggers.length === 2);
  it.release();
  it.loop.trigger('signal');
  await eventually('the third runs', () => it.triggers.length === 3);
  assert.equal(it.triggers, ['start', 'webhook', 'signal'], 'a push stays a push');
  await it.loop.stop();
});

test('quiet work is cut by a trigger, and does not keep it waiting', async () => {
  const it = run(3_600_000, () => 0);
  it.loop.start();
  await eventually('the first runs', () => it.triggers.length === 1);
  it.release();
  await eventually('quiet work runs', () => it.quiet.length === 1);
  it.loop.trigger('webhook');
  await eventually('the second runs', () => it.triggers.length === 2);
  assert.equal(it.quiet, ['begun', 'cut']);
  await it.loop.stop();
});

test('after a failure it is tried again sooner than a long period, and stopping ends what runs', async () => {
  const it = run();
  it.fail = true;
  it.loop.start();
  await eventually('the first runs', () => it.triggers.length === 1);
  it.release();
  await eventually('it is tried again', () => it.triggers.length === 2);
  await it.loop.stop();
  assert.is(it.triggers.length, 2);
});

test('the period counts when nothing comes', async () => {
  const it = run(20);
  it.loop.start();
  for (const count of [1, 2, 3]) {
    await eventually(`sync ${count}`, () => it.triggers.length === count);
    it.release();
  }
  assert.equal(it.triggers.slice(0, 3), ['start', 'period', 'period']);
  await it.loop.stop();
});

test.run();

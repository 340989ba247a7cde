import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AccessEntry } from './access-log.ts';
import { LastEntries } from './last-entries.ts';

let clock = 0;
const entry = (destination: string, more: Partial<AccessEntry> = {}): AccessEntry =>
  ({
    time: new Date(++clock).toISOString(),
    direction: 'outbound',
    source: 'front',
    destination,
    ...more,
  }) as AccessEntry;

test('a busy edge hides neither another nor its own failures', () => {
  const entries = new LastEntries();
  const rare = entry('orders');
  const failed = entry('echo', { cause: 'Nobody listens there.' });
  entries.add(rare);
  entries.add(failed);
  for (let count = 0; count < 1000; count++) entries.add(entry('echo'));
  const list = entries.list();
  assert.is(list.length, 32);
  assert.equal(list.slice(0, 2), [rare, failed], 'the oldest first');
  assert.is(list.at(-1)!.time, new Date(clock).toISOString());
});

test('an entry that failed is told once, and of many edges the quiet ones are forgotten', () => {
  const entries = new LastEntries();
  entries.add(entry('echo', { cause: 'Nobody listens there.' }));
  assert.is(entries.list().length, 1);
  for (let count = 0; count < 200; count++) entries.add(entry(`service-${count}`));
  assert.is(entries.list().length, 64);
  assert.is(entries.list().at(0)!.destination, 'service-136');
});

test.run();

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AccessEntry, Ended } from './access-log.ts';
import type { Peers } from './labels.ts';
import { RecentEntries } from './recent-entries.ts';

let clock = 0;
const known = new Map<string, Peers>();

/** @param anew with ends that nobody has seen, as a connection without an identity has them */
function ended(destination: string, { cause, anew = false }: { cause?: string; anew?: boolean } = {}): Ended {
  const fresh = { source: { workload: 'front' }, serviceName: destination } as Peers;
  const peers = anew ? fresh : (known.get(destination) ?? fresh);
  known.set(destination, peers);
  const began = ++clock;
  const entry = { time: new Date(began).toISOString(), destination } as AccessEntry;
  return { direction: 'outbound', peers, began, flags: '-', cause, pattern: undefined, entry: () => entry };
}

test('a busy edge hides neither another nor its own failures', () => {
  const entries = new RecentEntries();
  const rare = ended('orders');
  const failed = ended('echo', { cause: 'Nobody listens there.' });
  entries.add(rare);
  entries.add(failed);
  for (let count = 0; count < 1000; count++) entries.add(ended('echo', { anew: count % 2 === 0 }));
  const list = entries.list();
  assert.is(list.length, 32);
  assert.equal(list.slice(0, 2), [rare.entry(), failed.entry()], 'the oldest first');
  assert.is(list.at(-1)!.time, new Date(clock).toISOString());
});

test('an entry that failed is told once, and of many edges the quiet ones are forgotten', () => {
  const entries = new RecentEntries();
  entries.add(ended('echo', { cause: 'Nobody listens there.' }));
  assert.is(entries.list().length, 1);
  for (let count = 0; count < 200; count++) entries.add(ended(`service-${count}`));
  assert.is(entries.list().length, 64);
  assert.is(entries.list().at(0)!.destination, 'service-136');
});

test('an edge that was forgotten is there again with its next request', () => {
  const entries = new RecentEntries();
  entries.add(ended('echo'));
  for (let count = 0; count < 100; count++) entries.add(ended(`service-${count}`));
  entries.add(ended('echo'));
  entries.add(ended('echo'));
  assert.is(entries.list().filter(({ destination }) => destination === 'echo').length, 2);
});

test.run();

/** The store: its limit, its index, its order; what is purged stays away. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseCacheControl } from '../policy/directives.ts';
import { fieldsOf } from '../policy/testing.ts';
import { Store, type EvictionReason } from './store.ts';
import { Stored } from './stored.ts';

const NONE = fieldsOf([]);

function stored(key: string, { size = 10, vary = '', tags = [] as string[] } = {}): Stored {
  return new Stored(
    {
      key,
      status: 200,
      lines: '',
      selecting: vary === '' ? [] : [['v', vary]],
      tags,
      directives: parseCacheControl(NONE),
      freshness: { lifetime: 60, source: 'explicit' },
      initialAge: 0,
      responseTime: 0,
      staleSince: undefined,
    },
    Buffer.alloc(size),
  );
}

function storeOf(limit: number, maxVariants = 4) {
  const evicted: EvictionReason[] = [];
  return { store: new Store({ memory: limit, maxVariants, onEvict: (reason) => evicted.push(reason) }), evicted };
}

test('what was not used for the longest time goes first', () => {
  const one = stored('a');
  const { store, evicted } = storeOf(one.size * 3);
  for (const each of [one, stored('b'), stored('c')]) store.put(each);
  store.memory.touch(one);
  store.put(stored('d'));
  assert.equal(
    [...store.memory].map(({ head }) => head.key),
    ['d', 'a', 'c'],
  );
  assert.equal(evicted, ['memory']);
});

test('a Vary explosion stays within its bounds, and the last of a kind counts', () => {
  const { store, evicted } = storeOf(1e6);
  for (let index = 0; index < 1000; index++) store.put(stored('a', { vary: String(index) }));
  assert.equal([store.memory.count, store.variants('a').length], [4, 4]);
  const again = stored('a', { vary: '999' });
  store.put(again);
  assert.is(store.find('a', fieldsOf([['V', '999']])), again);
  assert.equal([store.memory.count, evicted.at(-1)], [4, 'replaced']);
});

test('what has no room is not stored, and what is on its way takes room', () => {
  const { store } = storeOf(10_000);
  store.put(stored('a', { size: 10_000 }));
  assert.is(store.memory.count, 0);
  store.put(stored('a', { size: 5000 }));
  assert.is(store.memory.count, 1);
  assert.ok(store.memory.reserve(8000));
  assert.is(store.memory.count, 0);
  assert.not.ok(store.memory.reserve(3000));
  store.memory.release(8000);
  store.put(stored('a', { size: 5000 }));
  assert.is(store.memory.count, 1);
});

test('whatever is stored, used and removed: sums are right, the limit holds, indexes agree', () => {
  const step = fc.record({
    key: fc.constantFrom('a', 'b', 'c\nx=1', 'c\nx=2', 'd'),
    vary: fc.constantFrom('', '1', '2', '3', '4', '5'),
    size: fc.nat(3000),
    tags: fc.subarray(['t', 'u']),
    next: fc.constantFrom('keep', 'touch', 'remove', 'reserve', 'purge'),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { store } = storeOf(12_000, 3);
      for (const { next, ...each } of steps) {
        const response = stored(each.key, each);
        store.put(response);
        if (next === 'touch') store.memory.touch(response);
        if (next === 'remove') store.remove(response, 'purged');
        if (next === 'reserve' && store.memory.reserve(2000)) store.memory.release(2000);
        const all = [...store.memory];
        assert.ok(store.memory.bytes <= 12_000);
        assert.equal(
          [store.memory.count, store.memory.bytes],
          [all.length, all.reduce((sum, { size }) => sum + size, 0)],
        );
        if (next === 'purge') {
          const ofTag = all.filter(({ head }) => head.tags.includes('t')).length;
          assert.is(store.purge({ tag: 't' }, undefined, 'purged'), ofTag);
          const ofUrl = [...store.memory].filter(({ head }) => head.key.startsWith('c\n')).length;
          assert.is(store.purge({ url: 'c' }, undefined, 'purged'), ofUrl);
        }
        for (const key of ['a', 'b', 'd']) assert.ok(store.variants(key).length <= 3);
      }
    }),
  );
});

test('a purge by tag finds what has it, and nothing else', () => {
  const { store } = storeOf(1e9);
  for (let index = 0; index < 10_000; index++)
    store.put(stored(`k${index}`, { tags: [index % 10 === 0 ? 'tenth' : 'other'] }));
  assert.is(store.purge({ tag: 'tenth' }, undefined, 'purged'), 1000);
  assert.equal([store.memory.count, store.purge({ tag: 'tenth' }, undefined, 'purged')], [9000, 0]);
});

test('what an answer varies by, its tags and its key count, however long they are', () => {
  const { store } = storeOf(1_000_000);
  const long = 'x'.repeat(14_000);
  for (let index = 0; index < 1000; index++)
    store.put(stored(`http://a/${index}/${long}`, { size: 1, vary: `${index}`, tags: [long] }));
  assert.ok(store.memory.count < 50, `${store.memory.count} of 28 KB each`);
});

test.run();

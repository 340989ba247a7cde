/** Which server a key belongs to; that nutcracker says the same is compared by the ambassador stack. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Ring, type Member, type RingOptions } from './ring.ts';

const PLACING: RingOptions = { hash: 'md5', distribution: 'ketama', hashTag: '{}' };
const members = (...names: string[]): Member[] => names.map((name) => ({ name, weight: 1 }));
const ownerOf = (ring: Ring, key: string): number => ring.owner(Buffer.from(key, 'latin1'), 0, key.length);

test('what is between the two characters of the hash tag decides alone, unless it is empty', () => {
  const ring = new Ring(members('a', 'b', 'c'), PLACING);
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z0-9]{1,10}$/), fc.stringMatching(/^[a-z0-9]{0,10}$/), (tag, rest) => {
      assert.is(ownerOf(ring, `${rest}{${tag}}`), ownerOf(ring, tag));
      assert.is(ownerOf(ring, `{${tag}}${rest}{x}`), ownerOf(ring, tag));
    }),
  );
  const spread = new Set(Array.from({ length: 50 }, (_, index) => ownerOf(ring, `{}${index}`)));
  assert.is(spread.size, 3);
});

test('a server more takes its share, and moves nothing between the others', () => {
  const before = new Ring(members('a', 'b', 'c'), PLACING);
  const after = new Ring(members('a', 'b', 'c', 'd'), PLACING);
  let moved = 0;
  for (let index = 0; index < 5000; index++) {
    const [from, to] = [ownerOf(before, `key-${index}`), ownerOf(after, `key-${index}`)];
    if (from === to) continue;
    assert.is(to, 3);
    moved++;
  }
  assert.ok(moved > 5000 * 0.15 && moved < 5000 * 0.3, `${moved} of 5000`);
});

test('weights are shares, and a server of weight 0 owns nothing', () => {
  for (const distribution of ['ketama', 'modula'] as const) {
    const ring = new Ring(
      [
        { name: 'a', weight: 1 },
        { name: 'b', weight: 3 },
        { name: 'c', weight: 0 },
      ],
      { ...PLACING, distribution },
    );
    const counts = [0, 0, 0];
    for (let index = 0; index < 4000; index++) counts[ownerOf(ring, `key-${index}`)]!++;
    assert.is(counts[2], 0);
    assert.ok(counts[1]! > 2 * counts[0]! && counts[1]! < 4.5 * counts[0]!, `${distribution}: ${counts.join()}`);
  }
});

test('a ring without servers is refused', () => {
  assert.throws(() => new Ring([], PLACING), /needs a server/);
});

test.run();

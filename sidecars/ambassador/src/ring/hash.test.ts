/** Hashes beside what is published of them; that nutcracker says the same is compared by the ambassador stack. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { HASHES, type HashName } from './hash.ts';
import type { Hash } from './hashes/hash.ts';

const of = (name: HashName, text: string): number => {
  const bytes = Buffer.from(text, 'latin1');
  return HASHES[name](bytes, 0, bytes.length);
};

// The check value of the catalogue of parametrised CRC algorithms is that of these nine digits.
test('checksums of 123456789 are those of the catalogues', () => {
  assert.is(of('crc32a', '123456789'), 0xcbf43926);
  assert.is(of('crc16', '123456789') & 0xffff, 0x31c3);
  assert.is(of('crc32', '123456789'), (0xcbf43926 >>> 16) & 0x7fff);
});

test('FNV and one-at-a-time of published texts', () => {
  assert.is(of('fnv1a_32', 'foobar'), 0xbf9cf968);
  assert.is(of('fnv1_32', 'foobar'), 0x31f0b262);
  assert.is(of('one_at_a_time', 'The quick brown fox jumps over the lazy dog'), 0x519e91f5);
});

test('what is before and behind a key counts for nothing, and a hash is 32 bits without a sign', () => {
  const bytes = fc.uint8Array({ maxLength: 40 });
  for (const [name, hash] of Object.entries<Hash>(HASHES))
    fc.assert(
      fc.property(bytes, bytes, bytes, (before, key, behind) => {
        const alone = hash(key, 0, key.length);
        const within = Buffer.concat([before, key, behind]);
        assert.is(hash(within, before.length, before.length + key.length), alone, name);
        assert.ok(Number.isInteger(alone) && alone >= 0 && alone <= 0xffffffff, `${name}: ${alone}`);
      }),
    );
});

test('every byte of a key counts', () => {
  const key = fc.uint8Array({ minLength: 1, maxLength: 30 });
  // Fifteen bits, and one that drops those of what came first, cannot tell all keys apart.
  for (const name of ['fnv1a_64', 'one_at_a_time', 'crc32a', 'murmur', 'jenkins'] as const)
    fc.assert(
      fc.property(key, fc.nat(), fc.integer({ min: 1, max: 255 }), (bytes, at, change) => {
        const other = Buffer.from(bytes);
        other[at % bytes.length]! ^= change;
        assert.is.not(HASHES[name](other, 0, other.length), HASHES[name](bytes, 0, bytes.length), name);
      }),
      { seed: 1, numRuns: 300 },
    );
});

test.run();

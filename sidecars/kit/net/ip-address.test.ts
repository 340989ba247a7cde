/** One spelling of each address. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { canonicalAddress } from './ip-address.ts';

/** An address of eight groups in full, as nobody's kernel writes it. */
const inFull = (groups: readonly number[]): string =>
  groups.map((group) => group.toString(16).padStart(4, '0').toUpperCase()).join(':');
/** Of many zeros, so that there is something to shorten. */
const groups = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff })), { minLength: 8, maxLength: 8 });

test('every spelling of an address is the same', () => {
  fc.assert(
    fc.property(groups, (all) => {
      const full = inFull(all);
      const canonical = canonicalAddress(full);
      assert.is(canonicalAddress(canonical), canonical);
      assert.is(canonicalAddress(all.map((group) => group.toString(16)).join(':')), canonical);
      assert.is(canonicalAddress(canonical.toUpperCase()), canonical);
    }),
  );
});

for (const [text, expected] of [
  ['FD00:0:0::0:1', 'fd00::1'],
  ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ['0:0:0:0:0:0:0:0', '::'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['::FFFF:c000:0201', '192.0.2.1'],
  ['192.0.2.1', '192.0.2.1'],
  ['fe80::1%eth0', 'fe80::1%eth0'],
  ['shop', 'shop'],
] as const)
  test(`${text} is ${expected}`, () => assert.is(canonicalAddress(text), expected));

test.run();

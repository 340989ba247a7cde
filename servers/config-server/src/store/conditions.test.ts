import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { alreadyHas, baseOf, etagOf } from './conditions.ts';
import { Refusal } from '../access/refusal.ts';

const version = fc.integer({ min: 1, max: 1e14 });

const reasonOf = (work: () => unknown): string => {
  try {
    work();
    return 'none';
  } catch (error) {
    assert.instance(error, Refusal);
    return (error as Refusal).reason;
  }
};

test('a change is made from the version whose ETag it gives', () => {
  fc.assert(fc.property(version, (each) => assert.equal(baseOf(etagOf(each), undefined), { version: each })));
});

test('a change without a condition is refused as such', () => {
  assert.is(
    reasonOf(() => baseOf(undefined, undefined)),
    'condition-missing',
  );
});

test('If-None-Match: * creates', () => {
  assert.is(baseOf(undefined, ' * '), 'none');
});

test('both conditions at a time are malformed', () => {
  assert.is(
    reasonOf(() => baseOf('"1"', '*')),
    'malformed',
  );
});

test('any other text is malformed, and nothing else happens', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      fc.pre(!/^\s*"[1-9]\d{0,14}"\s*$/.test(text));
      assert.is(
        reasonOf(() => baseOf(text, undefined)),
        'malformed',
      );
    }),
  );
  for (const text of ['"0"', '"01"', '7', 'W/"7"', '"7", "8"', '*', '"1e3"', `"${'9'.repeat(16)}"`])
    assert.is(
      reasonOf(() => baseOf(text, undefined)),
      'malformed',
      text,
    );
});

test('a reader has what its list names, weakly too, and nothing else', () => {
  // Few, so that lists often name the one that is asked for.
  const few = fc.integer({ min: 1, max: 4 });
  fc.assert(
    fc.property(fc.array(fc.tuple(few, fc.boolean()), { maxLength: 3 }), few, (list, asked) => {
      const header = list.map(([each, weak]) => `${weak ? 'W/' : ''}${etagOf(each)}`).join(' , ');
      assert.is(
        alreadyHas(header, asked),
        list.some(([each]) => each === asked),
      );
    }),
  );
  assert.is(alreadyHas('*', 3), true);
  assert.is(alreadyHas(undefined, 3), false);
});

test.run();

/** Whose watch has a place when there is none left. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Refusal } from '../access/refusal.ts';
import { Hub } from './hub.ts';

test('who has most of the places gives up its oldest one to another, and none to itself', () => {
  const hub = new Hub(4);
  const ended: string[] = [];
  const watch = (owner: string, name: string): (() => void) => {
    const leave = hub.add({
      owner,
      keys: undefined,
      onChange: () => {},
      onEnd: () => {
        ended.push(name);
        leave();
      },
    });
    return leave;
  };
  for (const name of ['a1', 'a2', 'a3', 'a4']) watch('a', name);
  assert.throws(
    () => watch('a', 'a5'),
    (error: Error) => error instanceof Refusal,
  );
  watch('b', 'b1');
  watch('b', 'b2');
  assert.equal(ended, ['a1', 'a2']);
  assert.throws(() => watch('b', 'b3'), 'they have as many each');
  watch('c', 'c1');
  assert.is(ended.length, 3);
});

test.run();

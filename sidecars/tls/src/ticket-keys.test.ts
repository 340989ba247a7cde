import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { TicketKeys } from './ticket-keys.ts';

test('the keys of session tickets are renewed after an hour, the sleep of the machine included', async () => {
  let time = 0;
  const renewed: Buffer[] = [];
  const keys = new TicketKeys((set) => renewed.push(set), { now: () => time, every: 1 });
  const first = keys.current;
  time += 3 * 3_600_000;
  await eventually('others are in use', () => renewed.length > 0);
  assert.is(renewed.length, 1);
  assert.is(keys.current, renewed[0]);
  assert.is.not(keys.current, first);
});

test.run();

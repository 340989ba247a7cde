/** What a body that is not kept counts in the data plane's budget: the memory that it really holds. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { BrokenBody } from '#proxy/http/reply.ts';
import { memoryBudget } from '#proxy/memory/budget.ts';
import { SharedBody } from './shared-body.ts';

const PART = Buffer.alloc(64 * 1024, 'x');
const MIB = 1024 * 1024;
/** What a connection to the application counts. */
const CONNECTION = 96 * 1024;

test('a body in one piece counts until the last of its readers has let go of its part', async () => {
  const body = new SharedBody({ onResume() {}, onLeft() {}, shed() {} });
  body.expect();
  body.allocate(8 * MIB);
  for (let part = 0; part < 16; part++) body.push(PART);
  const reader = body.read();
  for (let part = 0; part < 15; part++) await reader.next();
  assert.is(memoryBudget.used, 0, 'what is kept counts in the store');
  body.drop();
  assert.is(memoryBudget.used, MIB + CONNECTION, 'one part holds the whole piece');
  await reader.next();
  assert.is(memoryBudget.used, MIB + CONNECTION, 'the client is still sent the last part');
  body.push(PART);
  await reader.next();
  assert.is(memoryBudget.used, CONNECTION);
  body.end(undefined);
  assert.is((await reader.next()).done, true);
  assert.is(memoryBudget.used, 0);
});

test('a body in one piece whose readers have all left counts no longer', async () => {
  const body = new SharedBody({ onResume() {}, onLeft() {}, shed() {} });
  body.expect();
  body.allocate(8 * MIB);
  for (let part = 0; part < 16; part++) body.push(PART);
  const reader = body.read();
  await reader.next();
  body.drop();
  await reader.return();
  body.end('closed');
  assert.is(memoryBudget.used, 0);
});

test('a body that ends for want of memory frees its parts at once, though no client reads', async () => {
  const body = new SharedBody({ onResume() {}, onLeft() {}, shed: () => body.end('closed') });
  body.expect();
  const reader = body.read();
  body.drop();
  for (let part = 0; part < 8; part++) body.push(PART);
  await reader.next();
  body.shed();
  assert.is(memoryBudget.used, 0);
  const failure = await reader.next().then(
    () => undefined,
    (error: unknown) => error,
  );
  assert.instance(failure, BrokenBody);
});

test('bodies that come at once are read in turns, 2 MiB in each, and everyone gets a turn', async () => {
  const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
  // What came before in this turn counts.
  await turn();
  const resumed: number[] = [];
  const bodies = Array.from({ length: 100 }, (_, index) => {
    const body = new SharedBody({ onResume: () => resumed.push(index), onLeft() {}, shed() {} });
    body.expect();
    body.push(PART);
    return { index, body, ready: body.ready };
  });
  assert.is(bodies.filter(({ ready }) => ready).length, 31, 'with the part that takes the last of the share');
  for (const expected of [32, 64, 69]) {
    await turn();
    assert.is(resumed.length, expected);
  }
  assert.equal(
    resumed,
    bodies.filter(({ ready }) => !ready).map(({ index }) => index),
  );
  for (const { body } of bodies) body.end('closed');
});

test.run();

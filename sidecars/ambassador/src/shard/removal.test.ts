/** A server is removed while the application reads and writes. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { ReplyError } from '#kit/resp/reply-reader.ts';
import { TestPlane } from '../testing/plane.ts';
import type { ShardMember } from '../ring/members.ts';

const KEYS = 400;
const keys = Array.from({ length: KEYS }, (_, index) => `g${index}`);

/** Run with three servers, and the list of the two that stay: the first leaves. */
const withThree = (check: (plane: TestPlane, rest: readonly ShardMember[]) => Promise<void>) => async () => {
  const plane = await TestPlane.start(3);
  try {
    await check(plane, plane.members.slice(1));
  } finally {
    await plane.close();
  }
};
const textOf = (value: unknown): string =>
  value instanceof ReplyError ? value.message : `no error: ${JSON.stringify(value)}`;

test(
  'its keys move: all stay readable, none is lost or old, and nothing more is asked of it',
  withThree(async (plane, rest) => {
    const [reader, writer] = [await plane.client(), await plane.client()];
    const written = new Map<string, string>(keys.map((key) => [key, '0']));
    await reader.ask('MSET', ...keys.flatMap((key) => [key, '0']));
    const held = plane.servers[0]!.keys.size;
    let over = false;
    const removing = plane.plane.change(rest).finally(() => (over = true));
    let rounds = 0;
    const read = (async () => {
      while (!over) {
        const values = await reader.pipeline(...keys.map((key) => ['GET', key]));
        values.forEach((value, index) => assert.type(value, 'string', `${keys[index]}: ${textOf(value)}`));
        const together = (await reader.ask('MGET', ...keys)) as unknown[];
        assert.is(together.filter((value) => typeof value === 'string').length, KEYS);
        rounds++;
      }
    })();
    const write = (async () => {
      for (let index = 0; !over; index++) {
        const key = keys[(index * 31) % KEYS]!;
        assert.is(await writer.ask('SET', key, String(index)), 'OK');
        written.set(key, String(index));
      }
    })();
    assert.is(await removing, true);
    await Promise.all([read, write]);
    assert.ok(rounds > 0);
    assert.equal(
      await reader.ask('MGET', ...keys),
      keys.map((key) => written.get(key)),
    );
    assert.ok(held > 0);
    assert.equal(
      plane.servers.map((server) => server.keys.size > 0),
      [false, true, true],
    );
    assert.is(plane.servers[1]!.keys.size + plane.servers[2]!.keys.size, KEYS);
    assert.is(plane.seen.moved, held);
    assert.equal(Object.keys(plane.seen.up), ['b', 'c']);
    assert.is(plane.plane.wrong, undefined);
    // It may be switched off now.
    await plane.servers[0]!.kill();
    assert.is(await reader.ask('DBSIZE'), KEYS);
  }),
);

test(
  'what waits on it waits on, and gets what comes to the new place',
  withThree(async (plane, rest) => {
    const clients = await Promise.all(Array.from({ length: 12 }, () => plane.client()));
    clients.forEach((client, index) => client.send(['BLPOP', `queue${index}`, '0'], ['PING']));
    const waiting = (): number =>
      plane.servers.reduce((sum, { seen }) => sum + seen.filter(([name]) => name === 'BLPOP').length, 0);
    await eventually('all wait', () => waiting() === clients.length);
    assert.is(await plane.plane.change(rest), true);
    await plane.servers[0]!.kill();
    const other = await plane.client();
    for (const index of clients.keys()) await other.ask('RPUSH', `queue${index}`, `job${index}`);
    for (const [index, client] of clients.entries()) {
      assert.equal(await client.next(), [`queue${index}`, `job${index}`]);
      assert.is(await client.next(), 'PONG');
    }
  }),
);

test(
  'a transaction that was begun there does nothing, and the next one works',
  withThree(async (plane, rest) => {
    const client = await plane.client();
    const key = plane.keyOf(0);
    assert.equal(await client.pipeline(['WATCH', key], ['MULTI'], ['SET', key, '1']), ['OK', 'OK', 'QUEUED']);
    await plane.plane.change(rest);
    await plane.servers[0]!.kill();
    assert.match(textOf((await client.pipeline(['SET', key, '1'], ['EXEC']))[1]), /^EXECABORT/);
    assert.equal(await client.pipeline(['MULTI'], ['SET', key, '1'], ['EXEC']), ['OK', 'QUEUED', ['OK']]);
    assert.is(await client.ask('GET', key), '1');
  }),
);

test(
  'a subscriber is closed, and hears what is published when it has subscribed anew',
  withThree(async (plane, rest) => {
    const before = await plane.client();
    const channel = plane.keyOf(0);
    assert.equal(await before.ask('SUBSCRIBE', channel), ['subscribe', channel, 1]);
    await plane.plane.change(rest);
    await eventually('it is closed', () => before.ended);
    await plane.servers[0]!.kill();
    const after = await plane.client();
    await after.ask('SUBSCRIBE', channel);
    assert.is(await (await plane.client()).ask('PUBLISH', channel, 'news'), 1);
    assert.equal(await after.next(), ['message', channel, 'news']);
  }),
);

test('no subscriber is left at a server that its channel has moved away from', async () => {
  // By remainders, most channels move.
  const plane = await TestPlane.start(3, { ring: { hash: 'md5', distribution: 'modula', hashTag: '{}' } });
  try {
    const clients = await Promise.all(Array.from({ length: 12 }, () => plane.client()));
    for (const [index, client] of clients.entries()) await client.ask('SUBSCRIBE', `channel${index}`);
    await plane.plane.change(plane.members.slice(1));
    const publisher = await plane.client();
    for (const [index, client] of clients.entries())
      await eventually(
        'it hears, or is closed',
        async () => client.ended || (await publisher.ask('PUBLISH', `channel${index}`, 'news')) === 1,
      );
  } finally {
    await plane.close();
  }
});

test(
  'a scan of before is refused, one that begins anew sees every key',
  withThree(async (plane, rest) => {
    const client = await plane.client();
    await client.ask('MSET', ...keys.flatMap((key) => [key, '0']));
    const begun = (await client.ask('SCAN', '0')) as [string, string[]];
    assert.is.not(begun[0], '0');
    await plane.plane.change(rest);
    assert.match(textOf(await client.ask('SCAN', begun[0])), /^ERR invalid cursor: servers were removed/);
    const seen = new Set<string>();
    let cursor = '0';
    do {
      const [next, part] = (await client.ask('SCAN', cursor)) as [string, string[]];
      for (const key of part) seen.add(key);
      cursor = next;
    } while (cursor !== '0');
    assert.is(seen.size, KEYS);
  }),
);

test(
  'one that is away holds up the end, and nothing is lost',
  withThree(async (plane, rest) => {
    const client = await plane.client();
    await client.ask('MSET', ...keys.flatMap((key) => [key, '1']));
    const there = plane.servers[1]!.keys.size;
    await plane.servers[0]!.kill();
    const removing = plane.plane.change(rest);
    await plane.servers[0]!.start();
    assert.is(await removing, true);
    assert.ok(plane.servers[1]!.keys.size > there);
    assert.equal(
      await client.ask('MGET', ...keys),
      keys.map(() => '1'),
    );
  }),
);

test.run();

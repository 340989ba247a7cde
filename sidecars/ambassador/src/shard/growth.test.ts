/** A server is added while the application reads and writes. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { ReplyError } from '#kit/resp/reply-reader.ts';
import { TestPlane } from '../testing/plane.ts';
import { FakeValkey } from '../testing/valkey.ts';
import type { ShardMember } from '../ring/members.ts';

const KEYS = 400;
const textOf = (value: unknown): string =>
  value instanceof ReplyError ? value.message : `no error: ${JSON.stringify(value)}`;

/** Run with three servers, and a fourth that is not in use yet. */
const withFourth =
  (check: (plane: TestPlane, fourth: FakeValkey, member: ShardMember) => Promise<void>) => async () => {
    const plane = await TestPlane.start(3);
    const fourth = await new FakeValkey().start();
    try {
      await check(plane, fourth, { host: '127.0.0.1', port: fourth.port, weight: 1, name: 'd' });
    } finally {
      await plane.close();
      await fourth.kill();
    }
  };

test(
  'about a quarter of the keys move, all are readable throughout, and none is lost or old',
  withFourth(async (plane, fourth, member) => {
    const [reader, writer] = [await plane.client(), await plane.client()];
    const keys = Array.from({ length: KEYS }, (_, index) => `g${index}`);
    const written = new Map<string, string>(keys.map((key) => [key, '0']));
    await reader.ask('MSET', ...keys.flatMap((key) => [key, '0']));
    let over = false;
    const growing = plane.plane.change([...plane.members, member]).then((done) => ((over = true), done));
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
    assert.is(await growing, true);
    await Promise.all([read, write]);
    assert.ok(rounds > 0);
    assert.equal(
      await reader.ask('MGET', ...keys),
      keys.map((key) => written.get(key)),
    );
    // Each is in one place.
    const places = [...plane.servers, fourth].map((server) => server.keys.size);
    assert.is(
      places.reduce((sum, each) => sum + each),
      KEYS,
    );
    assert.is(plane.seen.moved, fourth.keys.size);
    assert.ok(fourth.keys.size > 0 && fourth.keys.size < KEYS * (1 / 4 + 0.05), `${fourth.keys.size} of ${KEYS} moved`);
  }),
);

test(
  'what waits on an old server waits on, and gets what comes to the new one',
  withFourth(async (plane, fourth, member) => {
    const clients = await Promise.all(Array.from({ length: 24 }, () => plane.client()));
    clients.forEach((client, index) => client.send(['BLPOP', `queue${index}`, '0'], ['PING']));
    const waiting = (): number =>
      plane.servers.reduce((sum, { seen }) => sum + seen.filter(([name]) => name === 'BLPOP').length, 0);
    await eventually('all wait', () => waiting() === clients.length);
    assert.is(await plane.plane.change([...plane.members, member]), true);
    const other = await plane.client();
    for (const index of clients.keys()) await other.ask('RPUSH', `queue${index}`, `job${index}`);
    for (const [index, client] of clients.entries()) {
      assert.equal(await client.next(), [`queue${index}`, `job${index}`]);
      assert.is(await client.next(), 'PONG');
    }
    assert.ok(fourth.seen.some(([name]) => name === 'BLPOP'));
  }),
);

test(
  'a transaction that was begun does nothing, and the next one works',
  withFourth(async (plane, _fourth, member) => {
    const client = await plane.client();
    assert.equal(await client.pipeline(['MULTI'], ['SET', '{t}a', '1']), ['OK', 'QUEUED']);
    await plane.plane.change([...plane.members, member]);
    assert.match(textOf((await client.pipeline(['SET', '{t}b', '1'], ['EXEC']))[1]), /^EXECABORT/);
    assert.equal(await client.ask('MGET', '{t}a', '{t}b'), [null, null]);
    assert.equal(await client.pipeline(['MULTI'], ['SET', '{t}a', '1'], ['EXEC']), ['OK', 'QUEUED', ['OK']]);
  }),
);

test(
  'an old server that is away holds up the end, and nothing is lost',
  withFourth(async (plane, fourth, member) => {
    const client = await plane.client();
    const keys = Array.from({ length: KEYS }, (_, index) => `g${index}`);
    await client.ask('MSET', ...keys.flatMap((key) => [key, '1']));
    await plane.servers[0]!.kill();
    const growing = plane.plane.change([...plane.members, member]);
    await eventually('others move', () => fourth.keys.size > 0);
    await plane.servers[0]!.start();
    assert.is(await growing, true);
    assert.equal(
      await client.ask('MGET', ...keys),
      keys.map(() => '1'),
    );
  }),
);

test(
  'a server that is not empty is not taken',
  withFourth(async (plane, fourth, member) => {
    await plane.plane.check([member]);
    fourth.keys.set('old', 'value');
    await plane.plane.check([member]).then(
      () => assert.unreachable(),
      (error: Error) => assert.match(error.message, /not empty/),
    );
  }),
);

test.run();

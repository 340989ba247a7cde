/** Commands about all keys, and those that are slow: over several servers they are right, or an error. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { ReplyError } from '#kit/resp/reply-reader.ts';
import { TestPlane } from '../testing/plane.ts';
import type { FakeValkey } from '../testing/valkey.ts';

const textOf = (value: unknown): string =>
  value instanceof ReplyError ? value.message : `no error: ${JSON.stringify(value)}`;

/** Run with an ambassador that is closed in any case. */
const behind =
  (count: number, options: Parameters<typeof TestPlane.start>[1], check: (plane: TestPlane) => Promise<void>) =>
  async (): Promise<void> => {
    const plane = await TestPlane.start(count, options);
    try {
      await check(plane);
    } finally {
      await plane.close();
    }
  };

test(
  'RANDOMKEY finds a key wherever it is, and any of all keys',
  behind(3, {}, async (plane) => {
    const client = await plane.client();
    assert.is(await client.ask('RANDOMKEY'), null);
    await client.ask('SET', plane.keyOf(2), '1');
    assert.is(await client.ask('RANDOMKEY'), plane.keyOf(2));
    await client.ask('SET', plane.keyOf(1), '1');
    const seen = new Set<unknown>();
    await eventually('both are seen', async () => seen.add(await client.ask('RANDOMKEY')).size === 2);
  }),
);

test(
  'INFO sums up the keys of all servers, and leaves out what is one server’s own',
  behind(3, {}, async (plane) => {
    const client = await plane.client();
    await client.ask('MSET', ...[0, 1, 2].flatMap((server) => [plane.keyOf(server), '1']), plane.keyOf(0, 1), '1');
    const info = (await client.ask('INFO')) as string;
    assert.match(info, /redis_version:7/);
    assert.match(info, /# Keyspace\r\ndb0:keys=4,/);
    assert.not.match(info, /used_memory/);
  }),
);

test(
  'INFO says that a file is being written while any server does so',
  behind(3, {}, async (plane) => {
    const client = await plane.client();
    for (const server of plane.servers) {
      server.rewriting = true;
      assert.match((await client.ask('INFO')) as string, /^aof_rewrite_in_progress:1\r$/m);
      server.rewriting = false;
    }
    assert.match((await client.ask('INFO')) as string, /^aof_rewrite_in_progress:0\r$/m);
  }),
);

test(
  'between WATCH and MULTI commands about all keys ask all servers',
  behind(3, {}, async (plane) => {
    const client = await plane.client();
    await client.ask('MSET', ...[0, 1, 2].flatMap((server) => [plane.keyOf(server), '1']));
    const [watched, size, values, begun, queued, done] = await client.pipeline(
      ['WATCH', plane.keyOf(0)],
      ['DBSIZE'],
      ['MGET', plane.keyOf(1), plane.keyOf(2)],
      ['MULTI'],
      ['SET', plane.keyOf(0), '2'],
      ['EXEC'],
    );
    assert.equal([watched, size, values, begun, queued, done], ['OK', 3, ['1', '1'], 'OK', 'QUEUED', ['OK']]);
  }),
);

for (const [pattern, of, sent] of [
  ['weight_*', 'keys of any server', false],
  ['{elsewhere}:*', 'keys of another server', false],
  ['*{t}', 'keys whose tag is behind the asterisk', false],
  ['{t}:*->field', 'keys of the same server', true],
  ['nosort', 'no keys', true],
] as const)
  test(
    `SORT BY a pattern for ${of} is ${sent ? 'passed on' : 'an error'}`,
    behind(3, {}, async (plane) => {
      // Tags whose servers differ, by the ring.
      const other = [0, 1, 2, 3, 4, 5]
        .map((each) => `x${each}`)
        .find((tag) => plane.ownerOf(tag) !== plane.ownerOf('t'));
      const client = await plane.client();
      for (const word of ['BY', 'GET']) {
        const answer = await client.ask('SORT', '{t}', word, pattern.replace('elsewhere', other!));
        if (sent) assert.equal(answer, []);
        else assert.match(textOf(answer), /^ERR a pattern of BY or GET/);
      }
    }),
  );

test(
  'a script that takes longer than TIMEOUT fails no other client',
  behind(2, { timeout: 300 }, async (plane) => {
    const [slow, other, third] = [await plane.client(), await plane.client(), await plane.client()];
    const [scripted, silent] = plane.servers as [FakeValkey, FakeValkey];
    await other.ask('MSET', plane.keyOf(0), '1', plane.keyOf(1), '1');
    scripted.slow = 'EVAL';
    slow.send(['EVAL', 'while true do end', '1', plane.keyOf(0)]);
    await eventually('the server is at it', () => scripted.stalled);
    other.send(['GET', plane.keyOf(0)]);
    // Once TIMEOUT has passed for a command that was sent later, it has for this one.
    silent.stalled = true;
    assert.match(textOf(await third.ask('GET', plane.keyOf(1))), /did not answer in time/);
    scripted.go();
    silent.go();
    assert.is(await other.next(), '1');
    assert.equal(await slow.next(), []);
  }),
);

test(
  'a server that wants a password is not ready, and its keys are errors',
  behind(1, {}, async (plane) => {
    const server = plane.servers[0]!;
    const client = await plane.client();
    await eventually('it is up', () => plane.plane.wrong === undefined);
    server.nonsense = '-NOAUTH Authentication required.\r\n';
    assert.match(textOf(await client.ask('GET', 'a')), /NOAUTH/);
    assert.match(String(plane.plane.wrong), /^a: NOAUTH/);
    server.nonsense = undefined;
    await eventually('it takes commands again', async () => (await client.ask('GET', 'a')) === null);
    assert.is(plane.plane.wrong, undefined);
  }),
);

test(
  'a server that is busy with a script is not down: SCRIPT KILL must reach it',
  behind(1, {}, async (plane) => {
    const server = plane.servers[0]!;
    const client = await plane.client();
    await server.kill();
    await eventually('it is down', async () => {
      await client.ask('GET', 'a');
      return plane.plane.wrong !== undefined;
    });
    server.nonsense = '-BUSY Valkey is busy running a script.\r\n';
    await server.start();
    await eventually('it is up', () => plane.plane.wrong === undefined);
    assert.match(textOf(await client.ask('SCRIPT', 'KILL')), /^BUSY/);
  }),
);

test.run();

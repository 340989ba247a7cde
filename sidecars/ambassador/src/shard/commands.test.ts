/** Commands whose keys lie on several servers, and those that no single server can answer. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ReplyError } from '#kit/resp/reply-reader.ts';
import { type RespClient } from '#kit/testing/resp-client.ts';
import { TestPlane } from '../testing/plane.ts';
import { CROSS } from './refusal.ts';

let plane: TestPlane;
let client: RespClient;

test.before(async () => {
  plane = await TestPlane.start(3);
});
test.after(async () => plane.close());
test.before.each(async () => {
  client = await plane.client();
  for (const server of plane.servers) server.keys.clear();
});
test.after.each(() => client.close());

const isError = (value: unknown, pattern: RegExp): void => {
  assert.instance(value, ReplyError);
  assert.match((value as ReplyError).message, pattern);
};

test('each key is on the server that it belongs to', async () => {
  for (let index = 0; index < 50; index++) await client.ask('SET', `key-${index}`, `value-${index}`);
  for (let index = 0; index < 50; index++) {
    assert.is(plane.servers[plane.ownerOf(`key-${index}`)]!.keys.get(`key-${index}`), `value-${index}`);
    assert.is(await client.ask('GET', `key-${index}`), `value-${index}`);
  }
});

test('MSET, MGET, EXISTS and DEL over all servers answer as one server would', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.stringMatching(/^[a-z]{1,4}$/), { minLength: 1, maxLength: 12 }),
      async (keys) => {
        assert.is(await client.ask('MSET', ...keys.flatMap((key) => [key, `of ${key}`])), 'OK');
        const asked = [...keys, 'none of these', keys[0]!];
        assert.equal(await client.ask('MGET', ...asked), [...keys.map((key) => `of ${key}`), null, `of ${keys[0]}`]);
        assert.is(await client.ask('EXISTS', ...asked), keys.length + 1);
        assert.is(await client.ask('DEL', ...keys), keys.length);
        assert.equal(
          await client.ask('MGET', ...keys),
          keys.map(() => null),
        );
      },
    ),
    { numRuns: 50 },
  );
});

test('fragments are counted, and commands of one server are none', async () => {
  const before = plane.seen.fragments;
  await client.ask('MGET', plane.keyOf(0), plane.keyOf(0, 1));
  assert.is(plane.seen.fragments, before);
  await client.ask('MGET', plane.keyOf(0), plane.keyOf(1), plane.keyOf(1, 1), plane.keyOf(2));
  assert.is(plane.seen.fragments, before + 3);
});

test('a pipeline over all servers is answered in its order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(40), { minLength: 1, maxLength: 60 }), async (numbers) => {
      const commands = numbers.map((number, index) =>
        index % 3 === 0
          ? ['SET', `p${number}`, `${index}`]
          : index % 3 === 1
            ? ['GET', `p${number}`]
            : ['MGET', `p${number}`, `p${number + 1}`],
      );
      const one = new Map<string, string>();
      for (const server of plane.servers) server.keys.clear();
      const expected = commands.map(([name, key, value]) => {
        if (name === 'SET') one.set(key!, value!);
        return name === 'SET'
          ? 'OK'
          : name === 'GET'
            ? (one.get(key!) ?? null)
            : [one.get(key!) ?? null, one.get(value!) ?? null];
      });
      assert.equal(await client.pipeline(...commands), expected);
    }),
    { numRuns: 50 },
  );
});

test('SCAN visits every key once its cursor is 0 again, and KEYS and DBSIZE tell of all', async () => {
  const keys = Array.from({ length: 100 }, (_, index) => `s${index}`);
  await client.ask('MSET', ...keys.flatMap((key) => [key, '1']));
  const seen = new Set<string>();
  let cursor = '0';
  do {
    const [next, found] = (await client.ask('SCAN', cursor)) as [string, string[]];
    for (const key of found) seen.add(key);
    cursor = next;
  } while (cursor !== '0');
  assert.equal([...seen].toSorted(), keys.toSorted());
  assert.equal(((await client.ask('KEYS', '*')) as string[]).toSorted(), keys.toSorted());
  assert.is(await client.ask('DBSIZE'), 100);
  for (const wrong of ['x', '-1', '9'.repeat(30), '1023']) isError(await client.ask('SCAN', wrong), /invalid cursor/);
});

test('a command whose keys are on two servers is refused, and one hash tag brings them together', async () => {
  isError(await client.ask('RENAME', plane.keyOf(0), plane.keyOf(1)), new RegExp(CROSS.slice(4, 40)));
  assert.is(plane.ownerOf('{u:1}:a'), plane.ownerOf('{u:1}:b'));
});

test('HELLO, CLIENT, SELECT and INFO are answered', async () => {
  assert.is(await client.ask('SELECT', '0'), 'OK');
  isError(await client.ask('SELECT', '1'), /SELECT is not allowed/);
  assert.is(await client.ask('CLIENT', 'SETNAME', 'me'), 'OK');
  assert.is(await client.ask('CLIENT', 'GETNAME'), 'me');
  assert.match((await client.ask('INFO')) as string, /redis_version/);
  const hello = (await client.ask('HELLO', '3', 'SETNAME', 'you')) as unknown[];
  assert.is(hello[hello.indexOf('proto') + 1], 3);
  assert.is(await client.ask('CLIENT', 'GETNAME'), 'you');
  assert.is(await client.ask('GET', 'nothing'), null);
  isError(await client.ask('HELLO', '4'), /NOPROTO/);
  assert.is(await client.ask('PING'), 'PONG');
});

test('unknown commands are refused by name, and the connection goes on', async () => {
  isError(await client.ask('CLUSTER', 'INFO'), /unknown command 'CLUSTER'/);
  isError(await client.ask('MGET'), /wrong number of arguments/);
  assert.is(await client.ask('PING'), 'PONG');
});

test.run();

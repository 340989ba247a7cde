/** Commands that show or change the servers themselves, and those of a client about clients. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { ReplyError, type Reply } from '#kit/resp/reply-reader.ts';
import type { RespClient } from '#kit/testing/resp-client.ts';
import { TestPlane } from '../testing/plane.ts';

let plane: TestPlane;
let client: RespClient;

test.after.each(async () => plane.close());

const begin = async (relayAdmin: boolean): Promise<void> => {
  plane = await TestPlane.start(3, { relayAdmin });
  client = await plane.client();
};
const textOf = (value: Reply): string =>
  value instanceof ReplyError ? value.message : typeof value === 'string' ? value : JSON.stringify(value);
const idOf = async (each: RespClient): Promise<string> => `${(await each.ask('CLIENT', 'ID')) as number}`;

test('admin commands are refused unless ADMIN_COMMANDS=relay, and reach no server', async () => {
  await begin(false);
  for (const command of ['CONFIG SET maxmemory 1', 'DEBUG SLEEP 0', 'SAVE', 'SLOWLOG GET', 'LATENCY RESET'])
    assert.match(textOf(await client.ask(...command.split(' '))), /ADMIN_COMMANDS=relay/);
  for (const command of ['CLIENT LIST', 'CLIENT KILL ID 1', 'CLIENT UNBLOCK 1'])
    assert.match(textOf(await client.ask(...command.split(' '))), /^ERR CLIENT .* is not answered/);
  for (const server of plane.servers)
    assert.is(
      server.seen
        .flat()
        .join(' ')
        .match(/CONFIG|DEBUG|SAVE|LOG|LATENCY/),
      null,
    );
});

test('admin commands inside a transaction are refused as outside of it', async () => {
  await begin(false);
  for (const command of ['CONFIG SET maxmemory 1', 'DEBUG SLEEP 0', 'SAVE', 'SLOWLOG GET', 'CLIENT KILL ID 1']) {
    assert.is(textOf(await client.ask('MULTI')), 'OK');
    await client.ask('SET', 'a', '1');
    assert.instance(await client.ask(...command.split(' ')), ReplyError, command);
    await client.ask('DISCARD');
  }
  for (const server of plane.servers)
    assert.is(
      server.seen
        .flat()
        .join(' ')
        .match(/CONFIG|DEBUG|SAVE|SLOWLOG|KILL/),
      null,
    );
});

test('DEBUG SLEEP in a transaction holds up its server alone, with ADMIN_COMMANDS=relay', async () => {
  await begin(true);
  const key = plane.keyOf(1);
  assert.equal(await client.pipeline(['MULTI'], ['SET', key, '1'], ['DEBUG', 'SLEEP', '0']), [
    'OK',
    'QUEUED',
    'QUEUED',
  ]);
  assert.is(((await client.ask('EXEC')) as Reply[]).length, 2);
  const reached = plane.servers.map(({ seen }) => seen.some(([name]) => name === 'DEBUG'));
  assert.equal(reached, [false, true, false]);
});

test('commands that end a server or change its role are refused with ADMIN_COMMANDS=relay', async () => {
  await begin(true);
  for (const command of [
    'SHUTDOWN',
    'REPLICAOF a 1',
    'DEBUG SEGFAULT',
    'DEBUG',
    'DEBUG POPULATE 9',
    'MONITOR',
    'ACL LIST',
  ])
    assert.instance(await client.ask(...command.split(' ')), ReplyError);
  for (const server of plane.servers)
    assert.is(
      server.seen
        .flat()
        .join(' ')
        .match(/SHUTDOWN|REPLICAOF|DEBUG|MONITOR|ACL/),
      null,
    );
});

test('an admin command goes to every server, one with a key to the server of the key', async () => {
  await begin(true);
  assert.is(await client.ask('CONFIG', 'SET', 'maxmemory', '1'), 'OK');
  for (const server of plane.servers) assert.equal(server.seen.at(-1), ['CONFIG', 'SET', 'maxmemory', '1']);
  await client.ask('DEBUG', 'OBJECT', plane.keyOf(1));
  const reached = plane.servers.map(({ seen }) => seen.some(([name]) => name === 'DEBUG'));
  assert.equal(reached, [false, true, false]);
});

test('CONFIG GET over several servers shows only what is the same at all of them', async () => {
  await begin(true);
  assert.equal(await client.ask('CONFIG', 'GET', '*'), ['maxmemory', '0']);
});

test('DEBUG DIGEST over several servers is that of one with all keys', async () => {
  await begin(true);
  // As valkey-server 8.1.1 says for SET a 1, for SET b 1, and for both on one server.
  plane.servers[0]!.digest = '943d800368fb9c0e951138f1bc0e313ac769d91f';
  plane.servers[2]!.digest = '1fbd4c933fdc33432ddf57c8585b36cd806fedfe';
  assert.is(await client.ask('DEBUG', 'DIGEST'), '21b05463fdcee4e7798054b2699fee7ee895c243');
});

test('clients that wait are counted over all servers', async () => {
  await begin(true);
  const waiting = [await plane.client(), await plane.client()];
  waiting.forEach((each, index) => each.send(['BLPOP', plane.keyOf(index), '0']));
  await eventually('both wait', async () => /^blocked_clients:2\r$/m.test(textOf(await client.ask('INFO'))));
});

test('CLIENT LIST names the clients of the ambassador, and says which wait', async () => {
  await begin(true);
  const waiting = await plane.client();
  const id = await idOf(waiting);
  waiting.send(['BLPOP', plane.keyOf(0), '0']);
  await eventually('it waits', async () => textOf(await client.ask('CLIENT', 'LIST', 'ID', id)).includes('flags=b'));
  const lines = textOf(await client.ask('CLIENT', 'LIST'))
    .trim()
    .split('\n');
  assert.is(lines.length, 2);
  assert.match(
    lines.find((line) => line.startsWith(`id=${id} `))!,
    / cmd=blpop$/,
  );
});

test('CLIENT UNBLOCK ends the command of another client, and only one that waits', async () => {
  await begin(true);
  const waiting = await plane.client();
  const id = await idOf(waiting);
  assert.is(await client.ask('CLIENT', 'UNBLOCK', id), 0);
  waiting.send(['BLPOP', plane.keyOf(0), '0']);
  await eventually('it waits', async () => (await client.ask('CLIENT', 'UNBLOCK', id, 'ERROR')) === 1);
  assert.match(textOf(await waiting.next()), /^UNBLOCKED/);
  assert.is(await waiting.ask('GET', 'a'), null);
});

test('CLIENT KILL closes a client of the ambassador, and no connection to a server', async () => {
  await begin(true);
  const other = await plane.client();
  assert.is(await client.ask('CLIENT', 'KILL', 'ID', await idOf(other)), 1);
  await eventually('it is closed', () => other.ended);
  assert.is(await client.ask('CLIENT', 'KILL', 'ID', await idOf(client)), 0, 'not itself, without SKIPME');
  assert.is(await client.ask('GET', 'a'), null);
  for (const server of plane.servers) assert.not.ok(server.seen.some((words) => words[1] === 'KILL'));
});

test('CLIENT REPLY OFF sends nothing until it is ON; SKIP leaves out one reply', async () => {
  await begin(false);
  client.send(['CLIENT', 'REPLY', 'OFF'], ['SET', 'a', '1'], ['CLIENT', 'REPLY', 'ON'], ['GET', 'a']);
  assert.equal([await client.next(), await client.next()], ['OK', '1']);
  client.send(['CLIENT', 'REPLY', 'SKIP'], ['SET', 'a', '2'], ['GET', 'a']);
  assert.is(await client.next(), '2');
});

test('CLIENT NO-TOUCH, which an ambassador cannot keep, is an error', async () => {
  await begin(false);
  assert.match(textOf(await client.ask('CLIENT', 'NO-TOUCH', 'ON')), /^ERR/);
});

test('PING is answered by a server, so that a busy one is seen', async () => {
  await begin(false);
  for (const server of plane.servers) server.nonsense = '-BUSY Valkey is busy running a script.\r\n';
  assert.match(textOf(await client.ask('PING')), /^BUSY/);
});

test.run();

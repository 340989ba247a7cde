/** What clients of one server may expect, from three real ones. */
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { ReplyError } from '#kit/resp/reply-reader.ts';
import { RespClient } from '#kit/testing/resp-client.ts';
import type { Project } from '../../../scripts/lib/compose.ts';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { keyPlacesOf } from '../../../sidecars/ambassador/src/testing/generate-commands.ts';
import { VALKEY_8 } from '../../../sidecars/ambassador/src/shard/commands/valkey-8.ts';
import { clientOf, keyOf } from '../lib/valkeys.ts';

/** Most that the ambassador may grow while it is sent nonsense, in bytes. */
const GROWTH = 48 * 1024 * 1024;
/** A large value, in bytes, and the key under which valkey-benchmark writes it. */
const LARGE = 64 * 1024;
const LARGE_KEY = 'key:__rand_int__';
/** Its own memory after large values, at most, in bytes: its container has 128 MiB, and its program needs some 30. */
const OWN = 64 * 1024 * 1024;

const textOf = (value: unknown): string =>
  value instanceof ReplyError ? value.message : `no error: ${JSON.stringify(value)}`;

export function protocolObligations({ must }: Scenario): void {
  must('keep the order of a pipeline over all servers', {}, async ({ port }) => {
    const client = await clientOf(port('OUTSIDE'));
    const commands = Array.from({ length: 900 }, (_, index) => ['SET', `pipe:${index % 300}`, `${index}`]);
    const reads = Array.from({ length: 300 }, (_, index) => ['GET', `pipe:${index}`]);
    const answers = await client.pipeline(...commands, ...reads, ['MGET', 'pipe:1', 'pipe:299', 'pipe:2']);
    assert.equal(
      answers.slice(0, 900),
      commands.map(() => 'OK'),
    );
    assert.equal(
      answers.slice(900, 1200),
      reads.map((_, index) => `${600 + index}`),
    );
    assert.equal(answers[1200], ['601', '899', '602']);
    client.close();
  });

  must(
    'carry out MULTI on one hash tag, and refuse it over several servers',
    { say: 'A transaction works where one hash tag holds its keys together, and is refused otherwise.' },
    async ({ port }) => {
      const client = await clientOf(port('OUTSIDE'));
      await client.ask('DEL', '{tx}a', '{tx}b');
      assert.equal(
        await client.pipeline(['WATCH', '{tx}a'], ['MULTI'], ['INCR', '{tx}a'], ['LPUSH', '{tx}b', 'x'], ['EXEC']),
        ['OK', 'OK', 'QUEUED', 'QUEUED', [1, 1]],
      );
      assert.equal(await client.pipeline(['WATCH', '{tx}a'], ['MULTI'], ['INCR', '{tx}a']), ['OK', 'OK', 'QUEUED']);
      const other = await clientOf(port('OUTSIDE'));
      await other.ask('SET', '{tx}a', '7');
      assert.is(await client.ask('EXEC'), null, 'what was watched has changed');
      const [a, b] = [keyOf(0, 'tx'), keyOf(1, 'tx')];
      const answers = await client.pipeline(['MULTI'], ['SET', a, '1'], ['SET', b, '1'], ['EXEC'], ['MGET', a, b]);
      assert.match(textOf(answers[2]), /different servers/);
      assert.match(textOf(answers[3]), /^EXECABORT/);
      assert.equal(answers[4], [null, null]);
      client.close();
      other.close();
    },
  );

  must('know where the keys of every command of its servers are', {}, async ({ port }) => {
    const client = await clientOf(port('OUTSIDE'));
    const names = [...keyPlacesOf(await client.ask('COMMAND'))].map(([notation, each]) => [notation, each.join(' ')]);
    const known = Object.entries(VALKEY_8).map(([notation, text]) => [notation, text.trim().split(/\s+/).join(' ')]);
    assert.equal(
      Object.fromEntries(known),
      Object.fromEntries(names),
      'a newer server: generate-commands.ts writes the list',
    );
    client.close();
  });

  must('visit every key by SCAN', { say: 'SCAN walks through all three.' }, async ({ port, say }) => {
    const client = await clientOf(port('OUTSIDE'));
    const keys = Array.from({ length: 2000 }, (_, index) => `scan:${index * 7919}`);
    await client.ask('MSET', ...keys.flatMap((key) => [key, '1']));
    const seen = new Set<string>();
    let [cursor, steps] = ['0', 0];
    do {
      const [next, found] = (await client.ask('SCAN', cursor, 'MATCH', 'scan:*', 'COUNT', '100')) as [string, string[]];
      for (const key of found) seen.add(key);
      cursor = next;
      steps++;
    } while (cursor !== '0');
    say(`${seen.size} keys in ${steps} steps`);
    assert.equal([...seen].toSorted(), keys.toSorted());
    assert.is(await client.ask('DEL', ...keys), keys.length);
    client.close();
  });

  must(
    'answer HELLO 3, CLIENT SETNAME, SELECT 0, INFO; blocking commands get own connections',
    { say: 'What nutcracker closes the connection on is answered.' },
    async ({ port }) => {
      const [client, other] = [await clientOf(port('OUTSIDE')), await clientOf(port('OUTSIDE'))];
      assert.is(await client.ask('SELECT', '0'), 'OK');
      assert.is(await client.ask('CLIENT', 'SETNAME', 'scenario'), 'OK');
      assert.match((await client.ask('INFO')) as string, /valkey_version/);
      const hello = (await client.ask('HELLO', '3')) as unknown[];
      assert.is(hello[hello.indexOf('proto') + 1], 3);
      await client.ask('DEL', 'hash');
      await client.ask('HSET', 'hash', 'field', 'value');
      assert.equal(await client.ask('HGETALL', 'hash'), ['field', 'value']);
      assert.equal(await client.ask('SUBSCRIBE', 'news'), { push: ['subscribe', 'news', 1] });
      assert.is(await other.ask('PUBLISH', 'news', 'hello'), 1);
      assert.equal(await client.next(), { push: ['message', 'news', 'hello'] });
      assert.is(await client.ask('PING'), 'PONG');
      const waiting = await clientOf(port('OUTSIDE'));
      waiting.send(['BLPOP', 'empty', '0']);
      // Whatever it waits for, others are answered.
      for (let index = 0; index < 20; index++) assert.is(await other.ask('EXISTS', 'empty'), 0);
      assert.is(await other.ask('RPUSH', 'empty', 'job'), 1);
      assert.equal(await waiting.next(), ['empty', 'job']);
      for (const each of [client, other, waiting]) each.close();
    },
  );

  must(
    'answer malformed RESP and absurd lengths by -ERR, close, and stay as small as it was',
    { say: 'Nonsense is answered by an error and the end of the connection.' },
    async ({ project, port, say }) => {
      const memory = (): Promise<number> => ownMemory(project, 'outside-ambassador');
      const before = await memory();
      for (const nonsense of [
        '*1\r\n$-7\r\n',
        `*1\r\n$${'9'.repeat(18)}\r\n`,
        '*1048577\r\n',
        '*2\r\n$3\r\nGET\r\n:1\r\n',
        `${'x'.repeat(70_000)}`,
      ]) {
        const client = await RespClient.to(port('OUTSIDE'));
        client.socket.write(nonsense);
        assert.match(textOf(await client.next()), /^ERR Protocol error/);
        await eventually('it is closed', () => client.ended);
      }
      // Large commands that are announced and do not come.
      const clients = await Promise.all(Array.from({ length: 100 }, () => RespClient.to(port('OUTSIDE'))));
      for (const { socket } of clients) socket.write('*2\r\n$3\r\nGET\r\n$30000000\r\nonly this much');
      const client = await clientOf(port('OUTSIDE'));
      assert.is(await client.ask('PING'), 'PONG');
      const grown = (await memory()) - before;
      say(`grown by ${Math.round(grown / 1024)} KiB, with ${clients.length} commands of 30 MB announced`);
      assert.ok(grown < GROWTH, `${grown} bytes`);
      for (const each of [client, ...clients]) each.close();
    },
  );

  must(
    'write and read values of 64 KiB for 50 clients at once, within its memory',
    { say: 'Large values pass: what was passed on is given back before the limit is near.' },
    async ({ project, port, say }) => {
      const start = async (): Promise<string> => (await project.inspect('outside-ambassador')).State.StartedAt;
      const before = await start();
      for (const args of [
        ['-d', `${LARGE}`, '-n', '1000', '-t', 'set'],
        ['-n', '20000', 'GET', LARGE_KEY],
      ]) {
        const load = ['valkey-benchmark', '-h', 'outside', '-c', '50', '-q', ...args];
        assert.match(await project.exec('valkey-a', load, { timeoutMs: 120_000 }), /requests per second/);
      }
      const client = await clientOf(port('OUTSIDE'));
      assert.is(((await client.ask('GET', LARGE_KEY)) as string).length, LARGE);
      await client.ask('DEL', LARGE_KEY);
      client.close();
      const own = await ownMemory(project, 'outside-ambassador');
      say(`${Math.round(own / 2 ** 20)} MiB are its own after 21,000 values`);
      assert.ok(own < OWN, `${own} bytes`);
      assert.is(await start(), before, 'it was not restarted');
    },
  );
}

/** Bytes that are a container's own. Not what is mapped of files: that goes after a start, and comes when it is used. */
async function ownMemory(project: Project, service: string): Promise<number> {
  const text = await project.exec(service, ['bash', '-c', 'grep -h ^RssAnon: /proc/[0-9]*/status']);
  const sizes = [...text.matchAll(/^RssAnon:\s+(\d+) kB$/gm)].map(([, kib]) => Number(kib) * 1024);
  assert.ok(sizes.length > 0, text);
  return sizes.reduce((total, size) => total + size, 0);
}

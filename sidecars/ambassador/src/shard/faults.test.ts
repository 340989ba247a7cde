/** Servers that are gone or slow, clients that are wrong or do not read. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { ReplyError } from '#kit/resp/reply-reader.ts';
import { RespClient } from '#kit/testing/resp-client.ts';
import { TestPlane } from '../testing/plane.ts';

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
  'keys of a dead server are errors, others work; it recovers with all it acknowledged',
  behind(3, {}, async (plane) => {
    const client = await plane.client();
    const [dead, alive] = [plane.keyOf(0), plane.keyOf(1)];
    assert.is(await client.ask('SET', dead, 'kept'), 'OK');
    await plane.servers[0]!.kill();
    await eventually('it is noticed', async () => /server a: ECONNREFUSED/.test(textOf(await client.ask('GET', dead))));
    assert.is(await client.ask('SET', alive, '1'), 'OK');
    assert.match(textOf(await client.ask('MGET', dead, alive)), /ECONNREFUSED/);
    assert.ok(plane.seen.forwardErrors > 0);
    await plane.servers[0]!.start();
    await eventually('it is back', async () => (await client.ask('GET', dead)) === 'kept');
  }),
);

test(
  'a server that does not answer is an error after TIMEOUT, for its own keys alone',
  behind(2, { timeout: 2000 }, async (plane) => {
    const [client, other] = [await plane.client(), await plane.client()];
    assert.equal(await client.ask('MGET', plane.keyOf(0), plane.keyOf(1)), [null, null]);
    plane.servers[0]!.stalled = true;
    client.send(['GET', plane.keyOf(0)]);
    // Nothing of this waits for the slow one: were it so, the server would answer nobody and this would fail.
    for (let index = 0; index < 50; index++) assert.is(await other.ask('SET', plane.keyOf(1), String(index)), 'OK');
    assert.match(textOf(await client.next()), /server a: it did not answer in time/);
    plane.servers[0]!.go();
  }),
);

test(
  'a slow server holds up what comes behind it in one pipeline, and no other client',
  behind(2, {}, async (plane) => {
    const [client, other] = [await plane.client(), await plane.client()];
    const [slow, quick] = [plane.keyOf(0), plane.keyOf(1)];
    await client.pipeline(['SET', slow, 's'], ['SET', quick, 'q']);
    plane.servers[0]!.stalled = true;
    let come = 0;
    client.send(['GET', quick], ['GET', slow], ['GET', quick]);
    client.socket.on('data', () => come++);
    assert.is(await client.next(), 'q');
    // The other server has answered the third command long before; the client may not be told yet.
    for (let index = 0; index < 20; index++) assert.is(await other.ask('GET', quick), 'q');
    assert.is(come, 1);
    plane.servers[0]!.go();
    assert.equal([await client.next(), await client.next()], ['s', 'q']);
  }),
);

test(
  'with ON_FAILURE=eject the keys of a dead server go to the others, and come back with it',
  behind(3, { eject: 100 }, async (plane) => {
    const client = await plane.client();
    const key = plane.keyOf(0);
    await client.ask('SET', key, 'before');
    await plane.servers[0]!.kill();
    await eventually('it is ejected', async () => (await client.ask('GET', key)) === null);
    assert.equal(plane.seen.ejected, ['a']);
    assert.is(await client.ask('SET', key, 'meanwhile'), 'OK');
    await plane.servers[0]!.start();
    await eventually('it is back', async () => (await client.ask('GET', key)) === 'before');
  }),
);

for (const [name, bytes] of [
  ['a negative length', '*1\r\n$-5\r\n'],
  ['an absurd length', `*1\r\n$${'9'.repeat(18)}\r\n`],
  ['an absurd count', '*99999999\r\n'],
  ['no RESP', '*1\r\n!oops\r\n'],
] as const)
  test(
    `${name}: -ERR behind the answers of what came before, and the end`,
    behind(1, {}, async (plane) => {
      const client = await plane.client();
      client.socket.write(`*2\r\n$3\r\nGET\r\n$1\r\na\r\n${bytes}`);
      assert.is(await client.next(), null);
      assert.match(textOf(await client.next()), /^ERR Protocol error/);
      await eventually('it is closed', () => client.ended);
    }),
  );

test(
  'a client that does not read is closed, and nobody else notices',
  behind(1, {}, async (plane) => {
    const value = 'v'.repeat(100_000);
    const reader = await plane.client();
    await reader.ask('SET', 'big', value);
    const client = await plane.client();
    client.socket.pause();
    const command = '*2\r\n$3\r\nGET\r\n$3\r\nbig\r\n'.repeat(1000);
    client.socket.write(command);
    // 100 MB would wait for it; it has 1 MiB, and what the kernel keeps.
    await eventually('it is closed', () => plane.seen.clients === 1);
    assert.is(await reader.ask('GET', 'big'), value);
  }),
);

test(
  'a reply above AMBASSADOR_MAX_OUTPUT reaches a client that reads',
  behind(1, {}, async (plane) => {
    const size = 24 * 1024 * 1024;
    plane.servers[0]!.keys.set('big', 'v'.repeat(size));
    const client = await plane.client();
    let come = 0;
    client.socket.removeAllListeners('data').on('data', (bytes: Buffer) => void (come += bytes.length));
    client.send(['GET', 'big']);
    await eventually('all of it has come', () => come === `$${size}\r\n\r\n`.length + size);
  }),
);

test(
  'more clients than allowed are told so',
  behind(1, { maxClients: 2 }, async (plane) => {
    const clients = [await plane.client(), await plane.client()];
    for (const client of clients) assert.is(await client.ask('PING'), 'PONG');
    const third = await RespClient.to(plane.plane.port);
    assert.match(textOf(await third.next()), /max number of clients/);
    assert.is(plane.seen.refused, 1);
    clients[0]!.close();
    await eventually('there is room again', async () => (await (await plane.client()).ask('PING')) === 'PONG');
  }),
);

for (const commands of [
  [['BLPOP', '{k}', '0']],
  [['SUBSCRIBE', '{k}']],
  [
    ['WATCH', '{k}'],
    ['GET', '{k}'],
  ],
])
  test(
    `clients that leave after ${commands[0]![0]} take no server down`,
    behind(1, { eject: 60_000 }, async (plane) => {
      const server = plane.servers[0]!;
      const clients = await Promise.all([1, 2, 3, 4].map(() => plane.client()));
      for (const client of clients) client.send(...commands);
      const last = commands.at(-1)![0];
      const given = (): string[] => server.seen.map(([name]) => name!.toUpperCase()).filter((name) => name === last);
      await eventually('the server has their commands', () => given().length === 4);
      // By an end, or by a reset.
      for (const [index, client] of clients.entries())
        if (index % 2 === 0) client.close();
        else client.socket.resetAndDestroy();
      await eventually('the clients are gone', () => plane.seen.clients === 0);
      assert.is(plane.seen.forwardErrors, 0);
      assert.equal([plane.seen.up, plane.seen.ejected], [{ a: true }, []]);
      assert.is(await (await plane.client()).ask('SET', 'a', '1'), 'OK');
    }),
  );

for (const [name, request] of [
  ['a form', 'POST / HTTP/1.1\r\nHost: valkey:6379\r\nContent-Length: 12\r\n\r\nSET x y\r\n'],
  ['a request with a body', 'PUT / HTTP/1.1\r\nHost: valkey:6379\r\nContent-Length: 12\r\n\r\nSET x y\r\n'],
  ['a request in a transaction', 'MULTI\r\nPUT / HTTP/1.1\r\nhost: a\r\n\r\nSET x y\r\nEXEC\r\n'],
] as const)
  test(
    `HTTP: ${name} carries nothing out and ends the connection`,
    behind(1, {}, async (plane) => {
      const client = await plane.client();
      client.socket.write(request);
      await eventually('it is closed', () => client.ended);
      assert.is(await (await plane.client()).ask('GET', 'x'), null);
    }),
  );

test(
  'a server that talks nonsense is an error for those who wait, and nothing else',
  behind(1, {}, async (plane) => {
    const client = await plane.client();
    assert.is(await client.ask('GET', 'a'), null);
    plane.servers[0]!.nonsense = 'HTTP/1.1 400 Bad Request\r\n\r\n';
    assert.match(textOf(await client.ask('GET', 'a')), /does not speak the protocol/);
    plane.servers[0]!.nonsense = undefined;
    await eventually('it goes on', async () => (await client.ask('GET', 'a')) === null);
  }),
);

test.run();

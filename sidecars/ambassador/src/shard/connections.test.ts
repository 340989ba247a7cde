/** What gets a connection of its own: transactions, commands that wait, subscriptions. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { ReplyError } from '#kit/resp/reply-reader.ts';
import { TestPlane } from '../testing/plane.ts';

let plane: TestPlane;

test.before(async () => {
  plane = await TestPlane.start(3);
});
test.after(async () => plane.close());

const textOf = (value: unknown): string =>
  value instanceof ReplyError ? value.message : `no error: ${JSON.stringify(value)}`;

test('MULTI works on one hash tag, in one piece and one by one', async () => {
  const client = await plane.client();
  assert.equal(
    await client.pipeline(
      ['SET', '{t}a', '1'],
      ['MULTI'],
      ['INCR', '{t}a'],
      ['SET', '{t}b', 'x'],
      ['EXEC'],
      ['GET', '{t}a'],
    ),
    ['OK', 'OK', 'QUEUED', 'QUEUED', [2, 'OK'], '2'],
  );
  assert.is(await client.ask('MULTI'), 'OK');
  assert.is(await client.ask('PING'), 'QUEUED');
  assert.is(await client.ask('INCR', '{t}a'), 'QUEUED');
  assert.is(await client.ask('DISCARD'), 'OK');
  assert.is(await client.ask('GET', '{t}a'), '2');
  assert.equal(await client.pipeline(['MULTI'], ['EXEC'], ['PING']), ['OK', [], 'PONG']);
});

test('MULTI over two servers fails as a whole, and the connection goes on', async () => {
  const client = await plane.client();
  const [a, b] = [plane.keyOf(0), plane.keyOf(1)];
  const [begun, queued, refused, aborted] = await client.pipeline(
    ['MULTI'],
    ['SET', a, '1'],
    ['SET', b, '1'],
    ['EXEC'],
  );
  assert.equal([begun, queued], ['OK', 'QUEUED']);
  assert.match(textOf(refused), /different servers/);
  assert.match(textOf(aborted), /^EXECABORT/);
  assert.equal(await client.ask('MGET', a, b), [null, null]);
  assert.match(textOf(await client.ask('EXEC')), /EXEC without MULTI/);
});

test('a transaction whose server goes away does nothing, not even its later commands', async () => {
  const client = await plane.client();
  const key = plane.keyOf(2);
  await client.pipeline(['MULTI'], ['SET', key, '1']);
  await plane.servers[2]!.kill();
  await plane.servers[2]!.start();
  await eventually('the loss is noticed', async () => /lost/.test(textOf(await client.ask('SET', key, '2'))));
  assert.match(textOf(await client.ask('EXEC')), /^EXECABORT/);
  assert.is(plane.servers[2]!.keys.has(key), false);
  await eventually('the server is back', async () => (await client.ask('GET', key)) === null);
});

test('a MULTI within a MULTI fails the transaction, as on one server', async () => {
  const client = await plane.client();
  const answers = await client.pipeline(['MULTI'], ['SET', '{n}', '1'], ['MULTI'], ['EXEC'], ['GET', '{n}']);
  assert.match(textOf(answers[2]), /nested/);
  assert.match(textOf(answers[3]), /^EXECABORT/);
  assert.is(answers[4], null);
});

test('BLPOP waits without holding up others, and takes what comes', async () => {
  const [waiting, other] = [await plane.client(), await plane.client()];
  waiting.send(['BLPOP', '{q}', '0'], ['PING']);
  await eventually('it waits', () => plane.servers.some(({ seen }) => seen.some(([name]) => name === 'BLPOP')));
  assert.is(await other.ask('SET', '{q}other', '1'), 'OK');
  assert.is(await other.ask('RPUSH', '{q}', 'job'), 1);
  assert.equal(await waiting.next(), ['{q}', 'job']);
  assert.is(await waiting.next(), 'PONG');
});

test('a client that goes away while it waits takes nothing', async () => {
  const server = plane.servers[plane.ownerOf('{gone}')]!;
  const waits = (): number => server.seen.filter(([name, key]) => name === 'BLPOP' && key === '{gone}').length;
  const client = await plane.client();
  client.send(['BLPOP', '{gone}', '0']);
  await eventually('it waits', () => waits() === 1);
  client.close();
  await eventually('its connection is gone', async () => {
    const other = await plane.client();
    await other.ask('RPUSH', '{gone}', 'kept');
    const left = server.keys.get('{gone}');
    server.keys.delete('{gone}');
    return JSON.stringify(left) === '["kept"]';
  });
});

for (const protocol of ['2', '3'])
  test(`a subscriber of RESP${protocol} gets what is published`, async () => {
    const [subscriber, other] = [await plane.client(), await plane.client()];
    await subscriber.ask('HELLO', protocol);
    const shape = (...values: (string | number)[]) => (protocol === '3' ? { push: values } : values);
    assert.equal(await subscriber.ask('SUBSCRIBE', 'news'), shape('subscribe', 'news', 1));
    assert.is(await other.ask('PUBLISH', 'news', 'hello'), 1);
    assert.equal(await subscriber.next(), shape('message', 'news', 'hello'));
    if (protocol === '2') assert.match(textOf(await subscriber.ask('GET', 'x')), /only/);
    else assert.is(await subscriber.ask('GET', 'x'), null);
    assert.equal(await subscriber.ask('UNSUBSCRIBE', 'news'), shape('unsubscribe', 'news', 0));
    assert.is(await subscriber.ask('GET', 'x'), null);
    subscriber.close();
  });

test('RESET ends subscriptions, and the connection goes on', async () => {
  const client = await plane.client();
  const other = await plane.client();
  await client.ask('SUBSCRIBE', 'channel-of-reset');
  assert.is(await client.ask('RESET'), 'RESET');
  assert.is(await client.ask('GET', 'none'), null);
  await eventually('no server knows it', async () => (await other.ask('PUBLISH', 'channel-of-reset', 'x')) === 0);
});

test('PUBSUB NUMPAT counts a pattern once, though every server knows it', async () => {
  for (const server of plane.servers) server.patterns = 3;
  assert.is(await (await plane.client()).ask('PUBSUB', 'NUMPAT'), 3);
});

test('PUBSUB NUMSUB counts the subscribers of each channel, wherever it lives', async () => {
  const [one, two] = [await plane.client(), await plane.client()];
  const channels = [plane.keyOf(0, 7), plane.keyOf(1, 7), plane.keyOf(2, 7)] as const;
  await one.ask('SUBSCRIBE', channels[0]);
  for (const channel of channels.slice(0, 2)) await two.ask('SUBSCRIBE', channel);
  const client = await plane.client();
  assert.equal(await client.ask('PUBSUB', 'NUMSUB', ...channels), [channels[0], 2, channels[1], 1, channels[2], 0]);
});

test.run();

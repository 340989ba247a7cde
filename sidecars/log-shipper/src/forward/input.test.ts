/** The forward input as a sender sees it, over a real socket. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { decode, Extension, type Value } from './msgpack.ts';
import { encode } from './test-encode.ts';
import { LIMIT } from '../senders/test-rig.ts';
import { docker, fields, start, type Rig } from './test-input.ts';

/** Send garbage, and wait until the connection is cut. */
async function cutOff(rig: Rig, bytes: Buffer): Promise<void> {
  const bad = await rig.connect();
  const closed = once(bad, 'close');
  bad.resume();
  bad.write(bytes);
  await closed;
}

const messagesOf = (rig: Rig): unknown[] => rig.documents().map(({ message }) => message);

test("Docker's messages become documents, stdout and stderr told apart", async () => {
  const rig = await start();
  const socket = await rig.connect();
  const time = Buffer.alloc(8);
  time.writeUInt32BE(1_763_712_000, 0);
  time.writeUInt32BE(123_456_789, 4);
  socket.write(
    encode(['tag', new Extension(0, time), docker('hello', { 'com.docker.compose.service': 'web', team: 'a' })]),
  );
  socket.write(encode(['tag', 1_763_712_001, docker('{"level":"WARN","msg":"careful"}', { source: 'stderr' })]));
  await eventually('two records', () => rig.records.length === 2);
  const [first, second] = rig.documents() as [Record<string, unknown>, Record<string, unknown>];
  assert.equal(first, {
    '@timestamp': '2025-11-21T08:00:00.123456789Z',
    'container.id': 'c0ffee',
    'container.name': 'shop-1',
    stream: 'stdout',
    'event.dataset': 'tag',
    'service.name': 'web',
    'container.labels.com_docker_compose_service': 'web',
    'container.labels.team': 'a',
    message: 'hello',
  });
  assert.is(second['stream'], 'stderr');
  assert.is(second['message'], 'careful');
  assert.is(second['log.level'], 'warn');
  assert.is(second['service.name'], 'shop');
  assert.is(second['@timestamp'], '2025-11-21T08:00:01.000Z');
  assert.is(rig.records[0]!.source, rig.records[1]!.source, 'their order is kept');
  assert.is.not(rig.records[0]!.id, rig.records[1]!.id);
  await rig.close();
});

test('labels that differ only in dots, and a line that names a service, give no name twice', async () => {
  const rig = await start();
  const socket = await rig.connect();
  const line = '{"service.name":"own","container.labels.a_b":"own","message":"hello"}';
  socket.write(encode(['tag', 1_763_712_001, docker(line, { 'a.b': '1', a_b: '2', a: '3', '': '4' })]));
  await eventually('a record', () => rig.records.length === 1);
  const { body } = rig.records[0]!;
  for (const name of ['service.name', 'container.labels.a_b', 'container.labels.a'])
    assert.is(body.split(`"${name}":`).length, 2, `${name} in ${body}`);
  const [document] = rig.documents();
  assert.equal(
    ['service.name', 'container.labels.a_b', 'container.labels.a', 'message'].map((name) => document![name]),
    ['shop', '1', '3', 'hello'],
  );
  await rig.close();
});

test('Forward, PackedForward and CompressedPackedForward mode; acknowledged once it is safe', async () => {
  const rig = await start();
  const socket = await rig.connect();
  const entries = (from: number): Value[] =>
    [from, from + 1].map((at): Value => [1_763_712_000 + at, docker(`line ${at}`)]);
  const packed = (from: number): Buffer => Buffer.concat(entries(from).map(encode));
  socket.write(encode(['t', entries(0)]));
  socket.write(encode(['t', packed(2)]));
  rig.room = false;
  socket.write(encode(['t', gzipSync(packed(4)), fields({ compressed: 'gzip', chunk: 'abc' })]));
  let answer = Buffer.alloc(0);
  socket.on('data', (bytes: Buffer) => (answer = Buffer.concat([answer, bytes])));
  socket.write(encode(['t', packed(6)]));
  // By the time that another connection was answered, this one would have been, too.
  await cutOff(rig, Buffer.of(0xc1));
  assert.is(answer.length, 0);
  rig.room = true;
  await eventually('all records', () => rig.records.length === 8);
  assert.equal(
    messagesOf(rig),
    Array.from({ length: 8 }, (_, at) => `line ${at}`),
  );
  await eventually('an acknowledgement', () => answer.length > 0);
  assert.equal(decode(answer), fields({ ack: 'abc' }));
  const ids = rig.records.slice(4, 6).map(({ id }) => id);
  socket.write(encode(['t', gzipSync(packed(4)), fields({ compressed: 'gzip', chunk: 'abc' })]));
  await eventually('the message again', () => rig.records.length === 10);
  assert.equal(
    rig.records.slice(8).map(({ id }) => id),
    ids,
    'sent again under the same ids',
  );
  await rig.close();
});

test('input in several gzip or zstd parts is whole; with trailing bytes it is not acknowledged', async () => {
  const rig = await start();
  const entry = (at: number): Buffer => encode([1_763_712_000 + at, docker(`line ${at}`)]);
  const send = async (how: string, bytes: Buffer): Promise<Buffer[]> => {
    const socket = await rig.connect();
    const heard: Buffer[] = [];
    socket.on('data', (answer: Buffer) => heard.push(answer));
    const before = rig.refused.length;
    socket.write(encode(['t', bytes, fields({ compressed: how, chunk: 'abc' })]));
    await eventually('an answer', () => heard.length > 0 || rig.refused.length > before);
    socket.destroy();
    return heard;
  };
  for (const [how, pack] of [
    ['gzip', gzipSync],
    ['zstd', zstdCompressSync],
  ] as const) {
    const parts = [entry(0), entry(1)].map((each) => pack(each));
    rig.records.length = 0;
    assert.is((await send(how, Buffer.concat(parts))).length, 1);
    assert.equal(messagesOf(rig), ['line 0', 'line 1']);
    for (const more of [Buffer.alloc(3), entry(2), parts[1]!.subarray(0, -3)]) {
      rig.records.length = 0;
      assert.equal(await send(how, Buffer.concat([parts[0]!, more])), []);
      assert.equal(messagesOf(rig), []);
    }
    const bomb = await send(how, pack(Buffer.alloc(64 * 1024 + 1, encode([1, docker('x')]))));
    assert.equal(bomb, []);
  }
  // A frame that wants a window of a gigabyte.
  assert.equal(await send('zstd', Buffer.from('28b52ffd00a0010000', 'hex')), []);
  await rig.close();
});

test('split messages are joined, streams not mixed, a heartbeat is nothing', async () => {
  const rig = await start();
  const socket = await rig.connect();
  const piece = (log: string, id: string, ordinal: number, last: boolean, source = 'stdout'): Buffer =>
    encode([
      't',
      1,
      docker(log, {
        source,
        partial_message: 'true',
        partial_id: id,
        partial_ordinal: String(ordinal),
        partial_last: String(last),
      }),
    ]);
  socket.write(encode(null));
  socket.write(piece('a', 'one', 1, false));
  socket.write(piece('x', 'one', 1, false, 'stderr'));
  socket.write(piece('b', 'one', 2, false));
  socket.write(piece('y', 'one', 2, true, 'stderr'));
  socket.write(piece('c', 'one', 3, true));
  socket.write(piece('never ended', 'three', 1, false));
  await eventually('three records', () => rig.records.length === 3);
  assert.equal(messagesOf(rig), ['xy', 'abc', 'never ended']);
  for (let at = 0; at < 8; at++) socket.write(piece('z'.repeat(1000), 'long', at, at === 7));
  await eventually('the long one', () => rig.records.length === 4);
  const long = rig.documents()[3]!;
  assert.is((long['message'] as string).length, LIMIT);
  assert.equal(long['log.flags'], ['truncated']);
  await rig.close();
});

test('a stack trace is one event, also when the shipper stops', async () => {
  const rig = await start({ multiline: /^\S/ });
  const socket = await rig.connect();
  for (const line of ['Error: no', '    at a', '    at b', 'next', 'Error: last', '    at c'])
    socket.write(encode(['t', 1, docker(line)]));
  await eventually('two events', () => rig.records.length === 2);
  await rig.close();
  assert.equal(messagesOf(rig), ['Error: no\n    at a\n    at b', 'next', 'Error: last\n    at c']);
});

test("a client's fields are fields: nested, numbers of any size, its line alone as the message", async () => {
  const rig = await start();
  const socket = await rig.connect();
  const nested = new Map<Value, Value>([
    ['path', '/'],
    ['took', 12.5],
    ['parts', [1, null, true]],
  ]);
  socket.write(encode(['app.web', 1_763_712_000, fields({ log: 'GET /', http: nested, bytes: 2n ** 63n })]));
  socket.write(encode(['app.web', 1_763_712_001, fields({ log: '{"level":"warn","msg":"careful"}\n' })]));
  socket.write(encode(['app.web', 1_763_712_002, fields({ message: 'plain', 'service.name': 'own' })]));
  socket.write(encode(['app.web', 1_763_712_003, fields({})]));
  await eventually('three records', () => rig.records.length === 3);
  const [first, second, third] = rig.documents() as [
    Record<string, unknown>,
    Record<string, unknown>,
    Record<string, unknown>,
  ];
  assert.is(first['message'], 'GET /');
  assert.equal(first['http'], { path: '/', took: 12.5, parts: [1, null, true] });
  assert.match(rig.records[0]!.body, /"bytes":9223372036854775808/);
  assert.is(first['service.name'], 'shop');
  assert.is(first['@timestamp'], '2025-11-21T08:00:00.000Z');
  assert.is(second['message'], 'careful');
  assert.is(second['log.level'], 'warn');
  assert.is(third['service.name'], 'own');
  await rig.close();
});

test('what is not UTF-8 arrives, and is marked', async () => {
  const rig = await start();
  const socket = await rig.connect();
  const bytes = encode(['t', 1, docker('caf_')]);
  bytes[bytes.lastIndexOf('_')] = 0xe9;
  socket.write(bytes);
  await eventually('a record', () => rig.records.length === 1);
  assert.is(rig.documents()[0]!['message'], 'café');
  assert.equal(rig.documents()[0]!['log.flags'], ['not-utf8']);
  await rig.close();
});

test('garbage and lengths beyond the limit cut that connection and no other', async () => {
  const rig = await start();
  const good = await rig.connect();
  const entry = encode([1, docker('one of many')]);
  for (const bytes of [
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    Buffer.of(0xdd, 0xff, 0xff, 0xff, 0xff),
    Buffer.of(0xc1),
    encode(['tag', 1, 'no record']),
    encode(['t', gzipSync(Buffer.concat(Array.from({ length: 2000 }, () => entry))), fields({ compressed: 'gzip' })]),
  ]) {
    const bad = await rig.connect();
    const closed = once(bad, 'close');
    bad.resume();
    bad.write(bytes);
    await closed;
  }
  assert.equal(
    rig.refused,
    Array.from({ length: 5 }, () => 'malformed'),
  );
  good.write(encode(['t', 1, docker('still here')]));
  await eventually('a record', () => rig.records.length === 1);
  await rig.close();
});

test('the number of connections is limited', async () => {
  const rig = await start();
  for (let at = 0; at < 3; at++) await rig.connect();
  const fourth = await rig.connect();
  await once(fourth, 'close');
  await eventually('a refusal', () => rig.refused.includes('connections'));
  await rig.close();
});

test('silent connections of one address shut out no other address, and not their own for ever', async () => {
  let time = 0;
  const rig = await start({ now: () => time });
  const silent = [await rig.connect(), await rig.connect(), await rig.connect()];
  time = 2000;
  silent[1]!.write(encode(['t', 1, docker('not silent')]));
  await eventually('its record', () => rig.records.length === 1);
  const first = once(silent[0]!, 'close');
  const other = await rig.connect('127.0.0.2');
  await first;
  other.write(encode(['t', 1, docker('other')]));
  await eventually('the other record', () => rig.records.length === 2);
  // The same address: after a minute of silence.
  await once(await rig.connect(), 'close');
  time = 60_000;
  const third = once(silent[2]!, 'close');
  const own = await rig.connect();
  await third;
  own.write(encode(['t', 1, docker('own')]));
  await eventually('the third record', () => rig.records.length === 3);
  assert.equal(rig.refused, ['idle', 'connections', 'idle']);
  await rig.close();
});

test('an active address with more than half of the connections does not shut out others', async () => {
  const rig = await start({ now: () => 0 });
  const talking = [await rig.connect(), await rig.connect(), await rig.connect()];
  talking[1]!.write(encode(['t', 1, docker('talking')]));
  await eventually('its record', () => rig.records.length === 1);
  const ended = once(talking[0]!, 'close');
  const other = await rig.connect('127.0.0.2');
  await ended;
  other.write(encode(['t', 1, docker('other')]));
  await eventually('the other record', () => rig.records.length === 2);
  // It comes again in vain, and so does a fourth that would have the place of an address with one of its own.
  await once(await rig.connect(), 'close');
  const another = once(talking[1]!, 'close');
  const third = await rig.connect('127.0.0.3');
  await another;
  await once(await rig.connect('127.0.0.2'), 'close');
  third.write(encode(['t', 1, docker('third')]));
  await eventually('the third record', () => rig.records.length === 3);
  assert.equal(rig.refused, ['share', 'connections', 'share', 'connections']);
  await rig.close();
});

test('a connection whose lines wait for the spool is not silent', async () => {
  let time = 0;
  const rig = await start({ now: () => time });
  rig.room = false;
  for (let at = 0; at < 3; at++) (await rig.connect()).write(encode(['t', 1, docker(`line ${at}`)]));
  await eventually('all wait', () => rig.reading() === 3);
  time = 3_600_000;
  await once(await rig.connect('127.0.0.2'), 'close');
  assert.equal(rig.refused, ['connections']);
  rig.room = true;
  await eventually('all lines', () => rig.records.length === 3);
  await rig.close();
});

test('a rule drops lines of containers too', async () => {
  const rig = await start({ drop: 'GET /healthz' });
  const socket = await rig.connect();
  for (const line of ['a', 'GET /healthz 200', '', 'b']) socket.write(encode(['t', 1, docker(line)]));
  await eventually('two records', () => rig.records.length === 2);
  assert.equal(messagesOf(rig), ['a', 'b']);
  await rig.close();
});

test('at the end nothing is lost of who has connected and was not accepted yet', async () => {
  const rig = await start();
  // Another process connects, sends and is gone while nothing runs here: the kernel alone has heard of it.
  execFileSync('bash', ['-c', 'cat > "/dev/tcp/127.0.0.1/$0"', String(rig.port)], {
    input: encode(['tag', 1_763_712_000, docker('hello')]),
    timeout: 60_000,
  });
  await rig.end();
  assert.equal(messagesOf(rig), ['hello']);
});

test.run();

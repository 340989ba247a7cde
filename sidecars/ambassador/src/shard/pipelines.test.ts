/** Every command of a pipeline is answered, also when the client ends its side, or quits. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
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

test('12,000 commands are answered although the client has ended its side', async () => {
  const client = await plane.client();
  // Short ones, so that the last piece that is read has more of them than may wait at once.
  client.socket.end(Buffer.from('INCR h\r\n'.repeat(12_000)));
  for (let index = 1; index <= 12_000; index++) assert.is(await client.next(), index);
  await eventually('the ambassador ends its side, too', () => client.ended);
});

for (const [name, before, answers] of [
  ['EXEC', [['MULTI'], ['SET', '{h}a', '1'], ['EXEC']], ['OK', 'QUEUED', ['OK']]],
  ['DISCARD', [['MULTI'], ['SET', '{h}a', '1'], ['DISCARD']], ['OK', 'QUEUED', 'OK']],
  ['UNWATCH', [['WATCH', '{h}a'], ['UNWATCH']], ['OK', 'OK']],
  [
    'BLPOP',
    [
      ['RPUSH', '{h}l', 'x'],
      ['BLPOP', '{h}l', '0'],
    ],
    [1, ['{h}l', 'x']],
  ],
] as const)
  test(`what follows ${name} is answered although the client has ended its side`, async () => {
    const client = await plane.client();
    client.send(...before, ['SET', '{h}b', name], ['GET', '{h}b']);
    if (name !== 'BLPOP') client.socket.end();
    for (const answer of answers) assert.equal(await client.next(), answer);
    client.socket.end();
    assert.is(await client.next(), 'OK');
    assert.is(await client.next(), name);
  });

test('a command that waits for ever is given up with an error when the client ends its side', async () => {
  const client = await plane.client();
  client.send(['SET', '{w}', '1'], ['BLPOP', '{w}none', '0'], ['GET', '{w}']);
  assert.is(await client.next(), 'OK');
  client.socket.end();
  assert.match(textOf(await client.next()), /client has ended its side/);
  assert.is(await client.next(), '1');
  await eventually('the ambassador ends its side, too', () => client.ended);
});

test('nothing that follows QUIT is carried out', async () => {
  const client = await plane.client();
  client.send(['SET', '{quit}', 'before'], ['QUIT'], ['SET', '{quit}', 'after']);
  assert.equal([await client.next(), await client.next()], ['OK', 'OK']);
  await eventually('the connection is closed', () => client.ended);
  assert.is(await (await plane.client()).ask('GET', '{quit}'), 'before');
});

/** Bytes that servers do not take, and that some readers do. */
const hostile = fc.oneof(
  fc.constantFrom(
    '*02\r\n$3\r\nGET\r\n$1\r\na\r\n',
    '*2\r\n$03\r\nGET\r\n$1\r\na\r\n',
    '*2\r\n$3\r\nGET\r\n$-0\r\n\r\n',
    '*-0\r\n',
    '*+1\r\n$4\r\nPING\r\n',
    'SCRIPT DEBUG SYNC\r\n',
    'CLIENT REPLY OFF\r\n',
    'CLIENT PAUSE 100000\r\n',
    'MONITOR\r\n',
    'SUBSCRIBE a b\r\n',
    'SELECT 3\r\n',
    'MULTI\r\nGET a\r\n',
    'WATCH a\r\n',
    'BLPOP a 0\r\n',
    'XREADGROUP GROUP streams c BLOCK 0 STREAMS a >\r\n',
    'HELLO 3\r\n',
    'QUIT\r\n',
    'FAILOVER\r\nSHUTDOWN\r\nDEBUG SLEEP 100\r\nREPLICAOF a 1\r\n',
  ),
  fc.stringMatching(/^[*$:+\-0-9a-z\r\n ]{0,30}$/),
);

test('no bytes of one client fail a command of another, nor end its connection', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(hostile, { minLength: 1, maxLength: 5 }), async (pieces) => {
      const [other, attacker] = [await plane.client(), await plane.client()];
      const commands = Array.from({ length: 12 }, (_, index) => [
        ['SET', `two-${index}`, String(index)],
        ['GET', `two-${index}`],
      ]);
      other.send(...commands.slice(0, 6).flat());
      for (const piece of pieces) attacker.socket.write(piece);
      other.send(...commands.slice(6).flat());
      for (let index = 0; index < 12; index++) {
        assert.is(await other.next(), 'OK');
        assert.is(await other.next(), String(index));
      }
      other.close();
      attacker.close();
    }),
    { numRuns: 150 },
  );
});

test.run();

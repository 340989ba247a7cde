/** The shared key, as senders with and without it see it over real sockets. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { answer } from './handshake.ts';
import { decode, type Value } from './msgpack.ts';
import { encode } from './test-encode.ts';
import { docker, start, type Rig } from './test-input.ts';
import { closed, digest, heard, nonceOf, ping, SALT, shake } from './test-sender.ts';

const KEY = 'the key that both know';
/** Long enough for the slowest machine; only the test of the deadline itself waits for one. */
const PATIENCE = 60_000;

const guarded = (timeout = PATIENCE): Promise<Rig> => start({ handshake: { key: KEY, timeout } });
const challenge = (nonce: Buffer, key: string) => ({ nonce, key, salt: Buffer.alloc(0) });
const message = (log: string): Buffer => encode(['t', 1, docker(log)]);

/** Nothing was taken in, and the reason was counted and logged without the key. */
function checkRefused(rig: Rig, why: RegExp): void {
  assert.equal(rig.refused, ['handshake']);
  assert.is(rig.records.length, 0);
  assert.is(rig.logged.length, 1);
  assert.match(rig.logged[0]!, why);
  assert.match(rig.logged[0]!, /"remote":"127\.0\.0\.1"/);
  assert.not.match(rig.logged[0]!, KEY);
}

test('with the right key a sender is welcome, and sees that the server knows it too', async () => {
  const rig = await guarded();
  const socket = await rig.connect();
  const said = heard(socket);
  const nonce = await nonceOf(said);
  assert.is(nonce.length, 16);
  socket.write(ping(nonce, KEY));
  await eventually('PONG', () => said.length === 2);
  const [word, admitted, reason, name, proof] = said[1] as [string, boolean, string, string, string];
  assert.equal([word, admitted, reason], ['PONG', true, '']);
  assert.is(proof, digest(name, nonce, KEY));
  socket.write(message('hello'));
  await eventually('a record', () => rig.records.length === 1);
  assert.equal([rig.refused, rig.logged], [[], []]);
  await rig.close();
});

test('PING may come in pieces, its salt as a string', async () => {
  const rig = await guarded();
  const socket = await rig.connect();
  socket.setNoDelay(true);
  const said = heard(socket);
  for (const byte of ping(await nonceOf(said), KEY, SALT.toString())) socket.write(Buffer.of(byte));
  await eventually('PONG', () => said.length === 2);
  socket.write(message('hello'));
  await eventually('a record', () => rig.records.length === 1);
  await rig.close();
});

test('with a wrong key a sender is told, learns nothing by it, and is cut off', async () => {
  const rig = await guarded();
  const socket = await rig.connect();
  assert.equal(await shake(socket, 'another key'), ['PONG', false, 'shared key mismatch', '', '']);
  socket.write(message('smuggled'));
  await closed(socket);
  await eventually('the refusal', () => rig.refused.length > 0);
  checkRefused(rig, /shared key mismatch/);
  await rig.close();
});

test('a PING of another connection is worth nothing', async () => {
  const rig = await guarded();
  const first = await rig.connect();
  const good = ping(await nonceOf(heard(first)), KEY);
  const second = await rig.connect();
  const said = heard(second);
  await nonceOf(said);
  second.write(good);
  await closed(second);
  assert.equal((said[1] as Value[]).slice(0, 3), ['PONG', false, 'shared key mismatch']);
  await eventually('the refusal', () => rig.refused.length > 0);
  checkRefused(rig, /shared key mismatch/);
  first.write(good);
  first.write(message('its own'));
  await eventually('either end of the first', () => rig.records.length === 1 || first.destroyed);
  await rig.close();
});

for (const [what, bytes, why] of [
  ["a message, as Docker's driver sends it", message('hello'), /does the sender have the shared key set/],
  ['a message that is longer than any PING', message('x'.repeat(10_000)), /does the sender have the shared key set/],
  ['a heartbeat', Buffer.of(0xc0), /no PING/],
  ['HTTP', Buffer.from('GET / HTTP/1.1\r\nhost: x\r\n\r\n'), /no PING/],
  ['no MessagePack', Buffer.of(0xc1), /no PING/],
  ['a PING with a part too few', encode(['PING', 'a', SALT, 'b'.repeat(128), '']), /no PING/],
  ['a PING whose digest is none', encode(['PING', 'a', SALT, 'short', '', '']), /no PING/],
  ['a PING of numbers', encode(['PING', 1, 2, 3, 4, 5]), /no PING/],
  ['a PING that is nested', encode(['PING', ['a'], [SALT], [['b']], '', '']), /no PING/],
] as const) {
  test(`refused in place of PING: ${what}`, async () => {
    const rig = await guarded();
    const socket = await rig.connect();
    socket.resume();
    socket.write(bytes);
    await closed(socket);
    await eventually('the refusal', () => rig.refused.length > 0);
    checkRefused(rig, why);
    await rig.close();
  });
}

test('nothing that is sent with PING, before it was answered, is taken in', async () => {
  const rig = await guarded();
  const socket = await rig.connect();
  const nonce = await nonceOf(heard(socket));
  socket.write(Buffer.concat([ping(nonce, KEY), message('too early')]));
  await closed(socket);
  await eventually('the refusal', () => rig.refused.length > 0);
  checkRefused(rig, /before PING was answered/);
  await rig.close();
});

test('without a PING in time a sender is cut off, also one that sends it slowly; others are not', async () => {
  for (const begin of [Buffer.alloc(0), ping(Buffer.alloc(16), KEY).subarray(0, 20)]) {
    const rig = await guarded(300);
    const socket = await rig.connect();
    socket.resume();
    socket.write(begin);
    await closed(socket);
    await eventually('the refusal', () => rig.refused.length > 0);
    checkRefused(rig, /no PING within 0\.3 s/);
    await rig.close();
  }
  // A machine that is too slow for a deadline gets a longer one.
  for (let timeout = 500, done = false; !done; timeout *= 2) {
    const rig = await guarded(timeout);
    const socket = await rig.connect();
    const said = heard(socket);
    socket.write(ping(await nonceOf(said), KEY));
    await eventually('PONG, or the end', () => said.length > 1 || socket.destroyed);
    const since = performance.now();
    done = said.length > 1;
    if (done) {
      await eventually('the deadline is over', () => performance.now() - since > timeout * 1.5);
      socket.write(message('still here'));
      await eventually('a record', () => rig.records.length === 1);
    }
    await rig.close();
  }
});

test('a sender that goes away is no failure', async () => {
  const rig = await guarded();
  const socket = await rig.connect();
  await nonceOf(heard(socket));
  socket.end();
  await closed(socket);
  const other = await rig.connect();
  await shake(other, KEY);
  assert.equal([rig.refused, rig.logged], [[], []]);
  await rig.close();
});

test('whatever a PING holds: admitted only with the digest of this key, nonce, name and salt', () => {
  const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array));
  const nonce = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((array) => Buffer.from(array));
  fc.assert(
    fc.property(fc.string(), bytes, nonce, fc.string({ minLength: 1 }), fc.string(), (name, salt, once, key, other) => {
      const asked = (with_: string): Value =>
        (
          decode(
            answer(encode(['PING', name, salt, digest(name, once, with_, salt), '', '']), challenge(once, key)).pong!,
          ) as Value[]
        )[1]!;
      return asked(key) === true && asked(other) === (other === key);
    }),
    { numRuns: 300 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), nonce, (garbage, once) => {
      const { pong, refusal } = answer(Buffer.from(garbage), challenge(once, KEY));
      return refusal !== undefined && pong === undefined;
    }),
    { numRuns: 300 },
  );
});

test.run();

/** The authority over years: its intermediate is followed by the next one, without a restart. */
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { connect, createServer } from 'node:tls';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { listening } from '#kit/testing/server.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { CurrentAuthority } from './current.ts';

const DAY = 86_400_000;

/** One whose clock the test turns. @param ahead of the machine's, in milliseconds @param every how often it looks, too */
async function open(ahead = 0, every = 1) {
  let time = Date.now() + ahead;
  const warned: object[] = [];
  const directory = temporaryDirectory('authority');
  const current = await CurrentAuthority.open({
    directory,
    trustDomain: 'mesh.test',
    lifetime: DAY,
    log: { info: () => {}, warn: (about: object) => void warned.push(about) },
    clock: { now: () => time, every },
  });
  /** Serial number of the intermediate that signs now. */
  const serial = async (): Promise<string> => {
    const { cert } = await (await current.signing()).issue('spiffe://mesh.test/ns/shop/sa/front', []);
    return new X509Certificate(cert.slice(cert.lastIndexOf('-----BEGIN'))).serialNumber;
  };
  return { current, directory, serial, warned, pass: (span: number): void => void (time += span) };
}

test('half a year on, the next intermediate signs', async () => {
  const { current, serial, pass, warned } = await open();
  const first = await serial();
  pass(190 * DAY);
  await eventually('another one signs', async () => (await serial()) !== first);
  const second = await serial();
  pass(190 * DAY);
  await eventually('and the one after it', async () => (await serial()) !== second);
  assert.equal(warned, []);
  current.close();
});

test('when the clock was set back before the intermediate, another one signs', async () => {
  const { current, serial, pass } = await open();
  const first = await serial();
  pass(190 * DAY);
  await eventually('the next one signs', async () => (await serial()) !== first);
  const second = await serial();
  pass(-100 * DAY);
  await eventually('one of this time signs', async () => (await serial()) !== second);
  current.close();
});

test('an authority that was made while the clock was ahead is believed once the clock is right', async () => {
  const { current, serial, pass } = await open(400 * DAY);
  const first = await serial();
  pass(-400 * DAY);
  await eventually('one of this time signs', async () => (await serial()) !== first);
  const { cert, key } = await (await current.signing()).issue('spiffe://mesh.test/ns/shop/sa/front', ['front.test']);
  const server = createServer({ cert, key }, (socket) => socket.on('error', () => {}).end());
  const port = await listening(server);
  try {
    const socket = connect({ port, host: '127.0.0.1', servername: 'front.test', ca: current.roots });
    await once(socket, 'secureConnect');
    assert.ok(socket.authorized);
    socket.destroy();
  } finally {
    server.close();
    current.close();
  }
});

test('nothing is signed by an intermediate of the future: the next one is waited for', async () => {
  const { current, serial, pass } = await open(400 * DAY, DAY);
  const first = await serial();
  pass(-400 * DAY);
  assert.is.not(await serial(), first);
  current.close();
});

test('without its root key it says so, and goes on once the key is there', async () => {
  const { current, directory, serial, pass, warned } = await open();
  const [key, away] = [join(directory, 'root.key'), join(directory, 'away')];
  renameSync(key, away);
  const first = await serial();
  pass(190 * DAY);
  await eventually('it is said', () => warned.length > 0);
  assert.is(await serial(), first);
  renameSync(away, key);
  pass(DAY);
  await eventually('another one signs', async () => (await serial()) !== first);
  current.close();
});

test.run();

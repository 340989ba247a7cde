/**
 * The forward port as a client sees it that others wrote: `@fluent-org/logger` of the Fluentd organisation, by TCP
 * and TLS, against the program as a process.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FluentClient, type FluentClientOptions } from '@fluent-org/logger';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { certify } from '#kit/testing/certify.ts';
import { eventually, TerminalState } from '#kit/testing/eventually.ts';
import { freePort } from '#kit/testing/ports.ts';
import type { Program } from '#kit/testing/program.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { clear, program, store } from '../test-program.ts';

const KEY = 'a key of a shop';
const MODES = ['Message', 'Forward', 'PackedForward', 'CompressedPackedForward'] as const;
/** The image gives it as much. */
const FLAGS = ['--max-semi-space-size=2', '--max-old-space-size=48'];

const dir = temporaryDirectory('client');
const file = (name: string, text: string): string => {
  writeFileSync(join(dir, name), text);
  return join(dir, name);
};

let port = 0;
const clients: FluentClient[] = [];

test.before.each(async () => {
  clear();
  port = await freePort();
});
test.after(async () => {
  for (const client of clients) await client.shutdown().catch(() => {});
});

async function start(env: Record<string, string> = {}): Promise<Program> {
  const given = { FILE_PATHS: '', FORWARD_PORT: String(port), FORWARD_ADDRESS: '127.0.0.1', ...env };
  const running = await program(given, FLAGS);
  await running.up();
  return running;
}

/** What it has not heard an acknowledgement of counts as not sent. */
function dial(options: Partial<FluentClientOptions> = {}): FluentClient {
  const client = new FluentClient('shop', {
    ack: { ackTimeout: 60_000 },
    ...options,
    socket: { host: '127.0.0.1', port, timeout: 60_000, disableReconnect: true, ...options.socket },
  });
  // Otherwise a refusal ends the process.
  client.socketOn('error' as never, () => {});
  // A refused one stays so, and does not try again.
  void client.connect().catch(() => {});
  clients.push(client);
  return client;
}

const security = (more: object = {}) => ({ clientHostname: 'a-client', sharedKey: KEY, ...more });
const bodies = (): Record<string, unknown>[] =>
  store.documents.map(({ body }) => JSON.parse(body) as Record<string, unknown>);

async function checkRefused(running: Program, client: FluentClient, why: RegExp, before = 0): Promise<void> {
  let acknowledged = false;
  client.emit({ message: 'smuggled' }).then(
    () => (acknowledged = true),
    () => {},
  );
  await eventually('the refusal', async () => {
    if (acknowledged) throw new TerminalState('it was taken in');
    return (await running.metric('shipper_forward_refused_total{reason="handshake"}').catch(() => 0)) > before;
  });
  await client.shutdown().catch(() => {});
  assert.is(acknowledged, false);
  assert.match(running.output, why);
}

test('in each of its modes, what is acknowledged arrives, as the fields that it is', async () => {
  const running = await start();
  for (const eventMode of MODES) {
    const client = dial({ eventMode, milliseconds: true });
    const time = new Date('2026-11-21T10:00:00.123Z');
    await client.emit('orders', { message: `by ${eventMode}`, order: 7, nested: { is: true } }, time);
    await client.shutdown();
  }
  await running.eventually('all of them', () => store.documents.length === MODES.length);
  assert.equal(
    bodies().map(({ message, order, nested, ...rest }) => [message, order, nested, rest['@timestamp']]),
    MODES.map((mode) => [`by ${mode}`, 7, { is: true }, '2026-11-21T10:00:00.123000000Z']),
  );
  assert.is(await running.stop('SIGTERM'), 0);
});

test('with TLS and the shared key, a thousand events are acknowledged and arrive once', async () => {
  const authority = await certify({ subject: 'CN=an authority', ca: true });
  const { cert, key } = await certify({ names: ['localhost'], issuer: authority });
  const running = await start({
    FORWARD_TLS_CERT_FILE: file('tls.crt', cert),
    FORWARD_TLS_KEY_FILE: file('tls.key', key),
    FORWARD_SHARED_KEY_FILE: file('key', KEY),
  });
  const tls = { ca: authority.cert, servername: 'localhost' };
  const client = dial({ security: security(), socket: { tls } });
  await Promise.all(Array.from({ length: 1000 }, (_, seq) => client.emit({ message: 'sold', seq })));
  await running.eventually('all of them', () => store.documents.length >= 1000);
  assert.is(new Set(bodies().map(({ seq }) => seq)).size, 1000);
  assert.is(store.documents.length, 1000);

  await checkRefused(
    running,
    dial({ security: security({ sharedKey: 'guessed' }), socket: { tls } }),
    /shared key mismatch/,
  );
  await checkRefused(running, dial({ socket: { tls } }), /does the sender have the shared key set/, 1);
  assert.is(await running.stop('SIGTERM'), 0);
  assert.is(store.documents.length, 1000);
  assert.not.match(running.output, KEY);
});

test('with users, one of them and the right password are needed beside the key', async () => {
  const running = await start({
    FORWARD_SHARED_KEY: KEY,
    FORWARD_USERS_FILE: file('users', 'shop:pass:word with spaces\nöl:größe\n'),
  });
  for (const [username, password] of [
    ['shop', 'pass:word with spaces'],
    ['öl', 'größe'],
  ] as const) {
    const client = dial({ security: security({ username, password }) });
    await client.emit({ message: `of ${username}` });
    await client.shutdown();
  }
  let refused = 0;
  for (const login of [
    { username: 'shop', password: 'größe' },
    { username: 'shop', password: '' },
    { username: 'nobody', password: '' },
    { username: '', password: '' },
  ])
    await checkRefused(running, dial({ security: security(login) }), /username\/password mismatch/, refused++);
  // Who has the password, and not the key.
  const login = { username: 'shop', password: 'pass:word with spaces', sharedKey: 'guessed' };
  await checkRefused(running, dial({ security: security(login) }), /shared key mismatch/, refused++);
  assert.is(await running.stop('SIGTERM'), 0);
  assert.equal(
    bodies().map(({ message }) => message),
    ['of shop', 'of öl'],
  );
  assert.not.match(running.output, 'pass:word');
});

test.run();

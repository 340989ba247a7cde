import { hash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { serve } from '#kit/testing/server.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { connected } from '#proxy/testing/raw-client.ts';
import { secretFile, startAuth } from '../test-auth.ts';
import { Passwords } from './basic.ts';
import type { PasswordThread } from './password-thread.ts';

const bcrypt = (cost: number): string => `$2y$${String(cost).padStart(2, '0')}$${'a'.repeat(53)}`;
const basic = (name: string): string => Buffer.from(`${name}:password`).toString('base64');

test('an unknown name costs as much bcrypt as the names of the file', async () => {
  const costs: string[] = [];
  const thread = {
    compare: (_password: string, against: string) => {
      assert.match(against, /^\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}$/);
      costs.push(against.slice(4, 6));
      return Promise.resolve(false);
    },
  };
  const passwords = new Passwords(thread as unknown as PasswordThread);
  const ask = async (name: string): Promise<string> => {
    assert.equal(await passwords.look(basic(name), () => 0), { ok: false, method: 'basic', reason: 'password' });
    return costs.at(-1)!;
  };
  passwords.load(`ann:${bcrypt(12)}\nbob:${bcrypt(12)}\n`);
  for (const name of ['ann', 'bob', 'eve', 'mallory', '']) assert.is(await ask(name), '12', name);
  passwords.load(`ann:${bcrypt(5)}\nbob:${bcrypt(12)}\n`);
  const seen = new Set<string>();
  for (let number = 0; number < 64; number++) {
    const cost = await ask(`name-${number}`);
    assert.is(await ask(`name-${number}`), cost, 'a name has one cost');
    seen.add(cost);
  }
  assert.equal([...seen].toSorted(), ['05', '12']);
});

test('a WebSocket that an API key let in ends when the key is removed or has other groups', async () => {
  await using app = await serve(() => {});
  app.server.on('upgrade', (_request, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\nhello');
  });
  const directory = temporaryDirectory('keys');
  const lineOf = (name: string, groups = ''): string => `${name}:${hash('sha256', name)}${groups && `:${groups}`}\n`;
  const path = secretFile(directory, 'keys', ['a', 'b', 'c'].map((name) => lineOf(name, 'staff')).join(''));
  const auth = await startAuth(app.port, { AUTH_METHODS: 'apikey', AUTH_API_KEYS_FILE: path }, directory);
  const open = async (key: string) => {
    const talk = await connected(auth.port);
    talk.send(
      `GET /chat HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\nX-API-Key: ${key}\r\n\r\n`,
    );
    await talk.until(({ text }) => text.endsWith('hello'), 30_000);
    return talk;
  };
  const [removed, changed, kept] = [await open('a'), await open('b'), await open('c')];
  writeFileSync(path, lineOf('b') + lineOf('c', 'staff'));
  auth.look();
  for (const talk of [removed, changed]) await talk.until(({ closed }) => closed, 30_000);
  assert.not(kept.closed, 'a key that is as it was');
  kept.socket.destroy();
  await auth.stop();
});

test.run();

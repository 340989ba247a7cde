/** The program: bad configuration is one clear line and exit 64; what is wrong never shows a secret. */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { hashSync } from 'bcryptjs';
import { request } from '#kit/net/http-client.ts';
import { ConfigurationError } from '#kit/contract/parameters.ts';
import { eventually } from '#kit/testing/eventually.ts';
import { freePort } from '#kit/testing/ports.ts';
import { startProgram } from '#kit/testing/program.ts';
import { serve } from '#kit/testing/server.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { echo } from '#proxy/testing/apps.ts';
import { connected, exchange } from '#proxy/testing/raw-client.ts';
import { SECRET, secretFile, startAuth, startTestProvider } from './test-auth.ts';

const MAIN = join(import.meta.dirname, 'main.ts');
const directory = temporaryDirectory('auth-main');
const cookie = secretFile(directory, 'cookie', SECRET);
const readable = secretFile(directory, 'readable', SECRET);
chmodSync(readable, 0o644);
const file = (name: string, text: string): string => secretFile(directory, name, text);

/** Checked in this process: every start of a program takes a second. */
async function refused(env: Record<string, string>, ...expected: RegExp[]): Promise<void> {
  const error = await startAuth(1, env, env['AUTH_STATE_DIR'] ?? directory).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.instance(error, ConfigurationError, String(error));
  const lines = (error as ConfigurationError).problems.map(({ message }) => message);
  assert.is(lines.length, expected.length, lines.join('\n'));
  for (const [index, pattern] of expected.entries()) {
    assert.match(lines[index]!, pattern);
    assert.not.match(lines[index]!, /\n/);
    assert.not.ok(lines[index]!.includes(SECRET), 'the secret itself is not shown');
  }
}

test('what cannot work is said in a line each, and ends it with 64', async () => {
  const oidc = {
    AUTH_METHODS: 'oidc',
    OIDC_ISSUER: 'http://127.0.0.1:1',
    OIDC_CLIENT_ID: 'app',
    AUTH_COOKIE_SECRET_FILE: cookie,
  };
  const program = await startProgram([MAIN], { PROXY_PORT: '1', AUTH_METHODS: 'oidc,ldap' });
  assert.is(await program.ended(), 64, program.output);
  assert.match(program.output, /^auth: AUTH_METHODS: .*"ldap".*\n$/);
  await refused({ AUTH_METHODS: 'oidc,ldap' }, /AUTH_METHODS: .*"ldap".*accepted is .*oidc, jwt, basic, apikey/);
  await refused(
    { AUTH_METHODS: 'oidc' },
    /OIDC_ISSUER is not set/,
    /OIDC_CLIENT_ID is not set/,
    /AUTH_COOKIE_SECRET_FILE is not set/,
  );
  await refused(
    { ...oidc, AUTH_COOKIE_SECRET_FILE: readable },
    /AUTH_COOKIE_SECRET_FILE: others can read .*mode 0644.*chmod o-rwx/,
  );
  await refused({ ...oidc, OIDC_CLIENT_SECRET_FILE: readable }, /OIDC_CLIENT_SECRET_FILE: others can read/);
  await refused(
    { ...oidc, AUTH_COOKIE_SECRET_FILE: file('short', 'short') },
    /AUTH_COOKIE_SECRET_FILE: .* 5 characters in its line 1; accepted are 32/,
  );
  await refused(
    { ...oidc, AUTH_RULES: file('rules', '- { path: /a/**, access: deny }\n- { path: /a/b, access: public }\n') },
    /AUTH_RULES: .*rule 2 \(\/a\/b\) can never match/,
  );
  await refused({ ...oidc, AUTH_TRUSTED_PROXIES: '10.0.0.0/40' }, /AUTH_TRUSTED_PROXIES: "10\.0\.0\.0\/40"/);
  await refused({ ...oidc, OIDC_SIGNING_ALGS: 'HS256' }, /OIDC_SIGNING_ALGS: .*HS256/);
  await refused({ ...oidc, OIDC_SCOPE: 'email' }, /OIDC_SCOPE: .*without openid/);
  await refused(
    { AUTH_METHODS: 'basic', AUTH_HTPASSWD_FILE: file('md5', 'ann:$apr1$x$y\n') },
    /AUTH_HTPASSWD_FILE: .*line 1 holds no bcrypt hash/,
  );
  await refused(
    { AUTH_METHODS: 'apikey', AUTH_API_KEYS_FILE: file('plain', 'robot:secret\n') },
    /AUTH_API_KEYS_FILE: .*line 1 holds no SHA-256/,
  );
  await refused({ ...oidc, AUTH_STATE_DIR: '/proc' }, /AUTH_STATE_DIR: \/proc cannot be written/);
});

test('an issuer that is no provider or does not match its discovery document is refused at start', async () => {
  const { provider, server } = await startTestProvider();
  provider.discovery = { issuer: 'https://elsewhere.example' };
  const oidc = {
    AUTH_METHODS: 'oidc',
    OIDC_ISSUER: provider.issuer,
    OIDC_CLIENT_ID: 'app',
    AUTH_COOKIE_SECRET_FILE: cookie,
  };
  await refused(oidc, /OIDC_ISSUER: .*is not the issuer of .*which is "https:\/\/elsewhere\.example"/);
  provider.discovery = { jwks_uri: undefined };
  await refused(oidc, /OIDC_ISSUER: .*names no jwks_uri/);
  await server.close();
});

test('passwords and keys let in, wrong ones are limited, and none reaches the application', async () => {
  await using app = await serve(echo);
  const key = 'k'.repeat(40);
  const { createHash } = await import('node:crypto');
  const hash = createHash('sha256').update(key).digest('hex');
  const port = await freePort();
  const users = file('users', `ann:${hashSync('right', 4)}:admins,staff\n`);
  const program = await startProgram([MAIN], {
    PROXY_PORT: String(app.port),
    AUTH_METHODS: 'basic,apikey',
    AUTH_LISTEN_ADDRESS: '127.0.0.1',
    AUTH_LISTEN_PORT: String(port),
    AUTH_STATE_DIR: directory,
    AUTH_HTPASSWD_FILE: users,
    AUTH_API_KEYS_FILE: file('keys', `robot:${hash}:bots\n`),
    AUTH_LOGIN_RATE: '5/h',
  });
  await program.up();
  const ask = async (headers: Record<string, string>) =>
    await request(`http://127.0.0.1:${port}/`, { headers, timeout: 120_000 });
  const basic = (text: string): Record<string, string> => ({
    authorization: `Basic ${Buffer.from(text).toString('base64')}`,
  });
  const seen = async (headers: Record<string, string>): Promise<Record<string, string>> => {
    const { status, body } = await ask(headers);
    assert.is(status, 200, body.toString());
    return (JSON.parse(body.toString()) as { headers: Record<string, string> }).headers;
  };
  const ann = await seen(basic('ann:right'));
  assert.is(ann['x-forwarded-user'], 'ann');
  assert.is(ann['x-forwarded-groups'], 'admins,staff');
  assert.is(ann['authorization'], undefined);
  const robot = await seen({ 'x-api-key': key });
  assert.is(robot['x-forwarded-user'], 'robot');
  assert.is(robot['x-api-key'], undefined);
  const nobody = await ask({ accept: 'text/html' });
  assert.is(nobody.status, 401);
  assert.match(String(nobody.headers['www-authenticate']), /^Basic realm=/);
  const statuses: number[] = [];
  for (const name of ['ann', 'bob', 'ann', 'bob', 'ann', 'bob', 'ann'])
    statuses.push((await ask(basic(`${name}:wrong`))).status);
  assert.equal(statuses, [401, 401, 401, 401, 401, 429, 429]);
  assert.is((await ask({ 'x-api-key': 'wrong' })).status, 429);
  assert.is((await seen(basic('ann:right')))['x-forwarded-user'], 'ann', 'who is known already is not affected');
  assert.is((await seen({ 'x-api-key': key }))['x-forwarded-user'], 'robot');
  writeFileSync(users, `bob:${hashSync('other', 4)}\n`);
  await program.eventually('the changed file counts', async () => (await ask(basic('ann:right'))).status !== 200);
  assert.not.match(program.output, /right|wrong|kkkk/);
  assert.not.match((await program.get('/metrics')).text, /^auth_provider_up/m, 'no provider, so none is down');
  assert.is(await program.stop(), 0);
});

test('a connection above the limit is closed and counted', async () => {
  await using app = await serve((_incoming, response) => void response.end());
  const auth = await startAuth(
    app.port,
    {
      AUTH_METHODS: 'basic',
      AUTH_HTPASSWD_FILE: file('one', `ann:${hashSync('a password', 4)}\n`),
      AUTH_MAX_CONNECTIONS: '1',
    },
    directory,
  );
  const first = await connected(auth.port);
  first.send('GET / HTTP/1.1\r\nHost: shop\r\n\r\n');
  await eventually('the first is there', async () => /^auth_connections_open 1$/m.test(await auth.metrics()));
  assert.is(await exchange(auth.port, 'GET / HTTP/1.1\r\nHost: shop\r\n\r\n').catch(() => ''), '');
  assert.match(await auth.metrics(), 'auth_connections_refused_total{reason="max_connections"} 1\n');
  await auth.stop();
});

test.run();

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { RequestListener } from 'node:http';
import { hash } from 'node:crypto';
import { serve } from '#kit/testing/server.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { secretFile, startAuth, TestBrowser, type BrowserAnswer } from './test-auth.ts';

/** Answers with the fields that the request's X-Fields says, as JSON. */
const answering: RequestListener = (request, response) => {
  const fields = JSON.parse(String(request.headers['x-fields'] ?? '{}')) as Record<string, string[]>;
  response.writeHead(200, fields).end('here');
};

type Ask = (
  fields: Record<string, string>,
  headers?: Record<string, string>,
  path?: string,
  method?: string,
) => Promise<BrowserAnswer>;

async function withKeys(
  run: (ask: Ask) => Promise<void>,
  env: Record<string, string> = {},
  rules = '- { path: /open, access: public }\n',
): Promise<void> {
  await using app = await serve(answering);
  const directory = temporaryDirectory('private');
  const auth = await startAuth(
    app.port,
    {
      AUTH_METHODS: 'apikey',
      AUTH_API_KEYS_FILE: secretFile(directory, 'keys', `robot:${hash('sha256', 'key')}\n`),
      AUTH_RULES: secretFile(directory, 'rules', rules),
      AUTH_LOGIN_RATE: '10000/min',
      ...env,
    },
    directory,
  );
  const browser = new TestBrowser();
  try {
    await run((fields, headers = { 'x-api-key': 'key' }, path = '/', method = 'GET') =>
      browser.get(`${auth.url}${path}`, { 'x-fields': JSON.stringify(fields), ...headers }, method),
    );
  } finally {
    await auth.stop();
  }
}

test('what is let in by credentials is private, whatever the application says', () =>
  withKeys(async (ask) => {
    for (const [said, expected] of [
      [{}, 'private'],
      [{ 'cache-control': 'max-age=60, must-revalidate' }, 'max-age=60, must-revalidate, private'],
      [{ 'cache-control': 'Public, max-age=60, S-Maxage=600' }, 'max-age=60, private'],
      [{ 'cache-control': ['public', 'max-age=60'] }, 'max-age=60, private'],
      [{ 'cache-control': 'private="set-cookie, public", max-age=1' }, 'max-age=1, private'],
      [{ 'cache-control': 'no-store' }, 'no-store, private'],
    ] as const) {
      const { headers } = await ask(said as never);
      const got = headers['cache-control']?.split(', ').toSorted().join(', ');
      assert.is(got, expected.split(', ').toSorted().join(', '), JSON.stringify(said));
    }
    const { headers } = await ask({
      'cdn-cache-control': 'max-age=60',
      'surrogate-control': 'max-age=60',
      'x-accel-expires': '60',
      etag: '"1"',
    } as never);
    for (const name of ['cdn-cache-control', 'surrogate-control', 'x-accel-expires'])
      assert.is(headers[name], undefined);
    assert.is(headers['etag'], '"1"');
  }));

test('what is public stays as it is, unless it came with credentials', () =>
  withKeys(async (ask) => {
    const said = { 'cache-control': 'public, max-age=60' };
    assert.is((await ask(said, {}, '/open')).headers['cache-control'], 'public, max-age=60');
    assert.is((await ask(said, { 'x-api-key': 'wrong' }, '/open')).headers['cache-control'], 'public, max-age=60');
    assert.is((await ask(said, { 'x-api-key': 'key' }, '/open')).headers['cache-control'], 'max-age=60, private');
    assert.is((await ask(said, {}, '/')).headers['cache-control'], 'no-store');
  }));

test('AUTH_PRIVATE_RESPONSES=false leaves what the application says', () =>
  withKeys(
    async (ask) => {
      assert.is((await ask({ 'cache-control': 'public' } as never)).headers['cache-control'], 'public');
      assert.is((await ask({})).headers['cache-control'], undefined);
    },
    { AUTH_PRIVATE_RESPONSES: 'false' },
  ));

test('a POST falls under the rules of each method that it may stand for', () =>
  withKeys(
    async (ask) => {
      const status = async (headers: Record<string, string>, path = '/open'): Promise<number> =>
        (await ask({}, headers, path, 'POST')).status;
      assert.is(await status({}), 200);
      assert.is(await status({ 'x-http-method-override': 'PATCH' }), 200);
      for (const name of ['X-HTTP-Method-Override', 'X_HTTP_Method_Override', 'x-http-method', 'X-Method-Override'])
        assert.is(await status({ [name]: 'delete' }), 403, name);
      assert.is(await status({ 'x-http-method-override': 'PATCH, DELETE' }), 403);
      assert.is(await status({}, '/open?x=1&_method=DELETE'), 403);
      assert.is(await status({}, '/open?%5Fmethod=delete'), 403);
      assert.is(
        (await ask({}, { 'x-http-method-override': 'DELETE' }, '/open')).status,
        200,
        'only a POST stands for another',
      );
    },
    {},
    '- { path: /**, method: DELETE, access: deny }\n- { path: /open, access: public }\n',
  ));

test.run();

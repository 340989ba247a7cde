/** The program as a whole: its start, what its admin port answers, its end. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { request } from '#kit/net/http-client.ts';
import { freePort } from '#kit/testing/ports.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { readParameters } from '#kit/contract/parameters.ts';
import { startProgram, type Program } from '#kit/testing/program.ts';
import { contract } from './contract.ts';
import { ask, statusOf, TestApp } from './test-plane.ts';

async function program(env: Record<string, string>): Promise<Program & { readonly port: number }> {
  const port = await freePort();
  const running = await startProgram([join(import.meta.dirname, 'main.ts')], {
    CACHE_LISTEN_PORT: String(port),
    CACHE_LISTEN_ADDRESS: '127.0.0.1',
    ...env,
  });
  return Object.assign(running, { port });
}

test('it starts before its application, serves, is purged, and ends as asked', async () => {
  const nobody = await freePort();
  const running = await program({ PROXY_PORT: String(nobody) });
  await running.up();
  await running.answers('/readyz', 503, /ECONNREFUSED/);
  const app = new TestApp();
  app.followsTest = false;
  app.answer = () => ({ headers: { 'Cache-Control': 'max-age=60', 'Surrogate-Key': 'a' }, body: 'hello' });
  await app.listen(nobody);
  await running.answers('/readyz', 200, /ready/);
  await ask(running.port, '/');
  assert.match(statusOf(await ask(running.port, '/')), /^hit/);
  await running.answers('/metrics', 200, /^cache_requests_total\{result="hit"\} 1$/m);
  const objects = JSON.parse((await running.get('/objects')).text) as { objects: { tags: string[] }[]; stored: number };
  assert.equal([objects.stored, objects.objects[0]!.tags], [1, ['a']]);
  const admin = `http://127.0.0.1:${running.env['ADMIN_PORT']}`;
  const purge = async (body: string, method = 'POST') => {
    const { status, body: answer } = await request(`${admin}/purge`, { method, body });
    return [status, JSON.parse(String(answer) || '{}')] as const;
  };
  for (const wrong of [
    '',
    '{}',
    '[]',
    'null',
    '{"tag":1}',
    '{"tag":"a","url":"b"}',
    '{"tag":"a","soft":"yes"}',
    '{"other":"a"}',
  ])
    assert.is((await purge(wrong))[0], 400, wrong);
  assert.is((await purge(JSON.stringify({ tag: 'x'.repeat(70_000) })))[0], 413);
  assert.is((await request(`${admin}/purge`)).status, 405);
  assert.is((await request(`${admin}/metrics`, { method: 'POST' })).status, 405);
  assert.equal(await purge('{"tag":"a"}'), [200, { purged: 1 }]);
  assert.match(statusOf(await ask(running.port, '/')), /^fwd=uri-miss/);
  await running.answers('/metrics', 200, /^cache_purges_total\{kind="tag"\} 1$/m);
  assert.is(await running.stop(), 0, running.output);
  await app[Symbol.asyncDispose]();
});

test('who is not named in CACHE_PURGE_FROM may not purge, nor see what is stored', async () => {
  const running = await program({ PROXY_PORT: '1', CACHE_PURGE_FROM: '10.0.0.0/8' });
  await running.up();
  const admin = `http://127.0.0.1:${running.env['ADMIN_PORT']}`;
  const refused = await request(`${admin}/purge`, {
    method: 'POST',
    body: '{"prefix":"/"}',
    headers: { 'X-Forwarded-For': '10.0.0.1' },
  });
  assert.equal([refused.status, (await running.get('/objects')).status], [403, 403]);
  await running.stop();
});

test('with CACHE_PURGE_TOKEN_FILE, a purge and a list of what is stored need the token', async () => {
  const file = join(temporaryDirectory('cache-main'), 'token');
  writeFileSync(file, 'a token\n', { mode: 0o600 });
  const running = await program({ PROXY_PORT: '1', CACHE_PURGE_TOKEN_FILE: file });
  await running.up();
  const admin = `http://127.0.0.1:${running.env['ADMIN_PORT']}`;
  const statuses = async (authorization?: string): Promise<number[]> => {
    const headers = authorization === undefined ? {} : { Authorization: authorization };
    const purge = await request(`${admin}/purge`, { method: 'POST', body: '{"prefix":"/"}', headers });
    return [purge.status, (await request(`${admin}/objects`, { headers })).status];
  };
  for (const wrong of [undefined, 'Bearer other', 'a token', 'Bearer a tokenx'])
    assert.equal(await statuses(wrong), [401, 401], wrong);
  assert.equal(await statuses('Bearer a token'), [200, 200]);
  assert.not.match(running.output, 'a token');
  await running.stop();
});

test('a kill right after a purge was answered does not bring its pages back', async () => {
  const directory = temporaryDirectory('cache-main');
  await using app = await TestApp.start(({ url }) => ({ headers: { 'Cache-Control': 'max-age=60' }, body: url }));
  app.followsTest = false;
  const env = { PROXY_PORT: String(app.server.port), CACHE_DISK: '100MiB', CACHE_DIR: directory };
  const first = await program(env);
  await first.up();
  for (let index = 0; index < 300; index++) await ask(first.port, `/${index}`, { host: 'h' });
  await first.eventually(
    'all is on the disk',
    async () => (await first.metric('cache_bytes{store="disk"}')) >= 300 * 4096,
  );
  const admin = `http://127.0.0.1:${first.env['ADMIN_PORT']}`;
  const purged = await request(`${admin}/purge`, { method: 'POST', body: '{"prefix":"/"}' });
  await first.stop('SIGKILL');
  assert.match(String(purged.body), '"purged":300');
  const second = await program(env);
  await second.up();
  assert.is(await second.metric('cache_bytes{store="disk"}'), 0);
  await second.stop();
});

test('after kill -9 the disk answers, without a torn object, while the application is gone', async () => {
  const directory = temporaryDirectory('cache-main');
  const app = await TestApp.start(({ url }) => ({
    headers: { 'Cache-Control': 'max-age=60' },
    body: url.repeat(5000),
  }));
  app.followsTest = false;
  const env = { PROXY_PORT: String(app.server.port), CACHE_DISK: '100MiB', CACHE_DIR: directory };
  const first = await program(env);
  await first.up();
  let asked = 0;
  const asking = (async () => {
    for (; asked < 2000; asked++) await ask(first.port, `/${asked}`, { host: 'h' });
  })().catch(() => {});
  await first.eventually(
    'something is on the disk',
    async () => (await first.metric('cache_bytes{store="disk"}')) > 1e6,
  );
  await first.stop('SIGKILL');
  await asking;
  await app.server.close();
  const second = await program(env);
  await second.up();
  let hits = 0;
  for (let index = 0; index < asked; index++) {
    const answer = await ask(second.port, `/${index}`, { host: 'h' });
    if (answer.status !== 200) continue;
    hits++;
    assert.is(answer.text, `/${index}`.repeat(5000));
  }
  assert.ok(hits > 10, `${hits} of ${asked}`);
  await second.stop();
});

test('a parameter that is none is said in a sentence', async () => {
  for (const [name, value] of [
    ['CACHE_HEURISTIC', '2'],
    ['CACHE_COOKIES', 'all'],
  ] as const)
    assert.throws(
      () =>
        readParameters(contract.parameters, { env: { PROXY_PORT: '1', [name]: value }, prefixes: contract.prefixes }),
      new RegExp(`^${name}`),
    );
  for (const [name, value] of [
    ['CACHE_PURGE_FROM', '10.0.0.0/99'],
    ['CACHE_DIR', '/dev/null/x'],
  ] as const) {
    const running = await program({
      PROXY_PORT: '1',
      CACHE_DISK: '1MiB',
      CACHE_DIR: temporaryDirectory('cache-main'),
      [name]: value,
    });
    assert.is(await running.ended(), 64, running.output);
    assert.match(running.output, new RegExp(`^cache: ${name}`, 'm'));
  }
});

test.run();

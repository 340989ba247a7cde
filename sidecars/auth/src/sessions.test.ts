/** Sessions: renewed, moved between secrets and lives of the sidecar, ended. */
import { readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { serve } from '#kit/testing/server.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { echo } from '#proxy/testing/apps.ts';
import { connected } from '#proxy/testing/raw-client.ts';
import { echoed, oidcEnv, SECRET, startAuth, startTestProvider, TestBrowser, withAuth } from './test-auth.ts';

/** Access tokens that are to be renewed at once. */
const SHORT = 0.001;

for (const store of ['cookie', 'server']) {
  test(`${store}: 50 requests at once whose token has ended: one refresh, and all get in`, () =>
    withAuth(
      async ({ url }, { provider }, browser) => {
        provider.life = SHORT;
        await browser.follow(`${url}/`);
        provider.life = 300;
        const { refreshes } = provider.counts;
        const former = browser.copy();
        const answers = await Promise.all(Array.from({ length: 50 }, () => former.copy().xhr(`${url}/api`)));
        for (const answer of answers) assert.is(answer.status, 200);
        assert.is(provider.counts.refreshes - refreshes, 1);
        assert.is(provider.counts.reused, 0);
        if (store === 'cookie')
          assert.ok(answers[0]!.headers['set-cookie'], 'the new cookie comes with the answer to a script');
        // Who comes late with the former cookie does not use the spent token again.
        assert.is((await former.get(`${url}/`)).status, 200);
        assert.is((await former.get(`${url}/`)).status, 200);
        assert.is(provider.counts.reused, 0);
      },
      { AUTH_SESSION_STORE: store },
    ));

  test(`${store}: a provider that does not answer ends no session; one that refuses does`, () =>
    withAuth(
      async ({ url, metrics }, { provider }, browser) => {
        provider.life = SHORT;
        await browser.follow(`${url}/`);
        provider.tokenStatus = 503;
        assert.is((await browser.get(`${url}/`)).status, 200);
        assert.match(await metrics(), /auth_refreshes_total\{result="unavailable"\} 1/);
        provider.tokenStatus = 200;
        const other = new TestBrowser();
        await other.follow(`${url}/`);
        provider.forgetRefreshTokens();
        assert.is((await other.xhr(`${url}/`)).status, 401);
        assert.is((await other.get(`${url}/`)).status, 302);
        assert.match(await metrics(), /auth_refreshes_total\{result="refused"\} 1/);
      },
      { AUTH_SESSION_STORE: store },
    ));

  test(`${store}: a killed sidecar and a rotated secret log nobody out`, async () => {
    const provided = await startTestProvider();
    await using app = await serve(echo);
    const directory = temporaryDirectory('auth');
    const env = { ...oidcEnv(provided, directory), AUTH_SESSION_STORE: store };
    const browser = new TestBrowser();
    const first = await startAuth(app.port, env, directory);
    provided.provider.life = SHORT;
    await browser.follow(`${first.url}/`);
    provided.provider.life = 300;
    const former = browser.copy();
    assert.is((await former.copy().get(`${first.url}/`)).status, 200, 'refreshed, and the answer lost');
    await first.stop();
    const second = await startAuth(app.port, env, directory);
    assert.is((await former.copy().get(`${second.url}/`)).status, 200, 'the refresh was not lost with it');
    assert.is(provided.provider.counts.reused, 0);
    writeFileSync(join(directory, 'cookie-secret'), `another ${SECRET}\n${SECRET}\n`);
    second.look();
    const after = new TestBrowser();
    await eventually('the new secret seals', async () => {
      after.cookies.clear();
      await after.follow(`${second.url}/`);
      return after.cookies.get('__Host-session') !== undefined;
    });
    assert.is((await former.get(`${second.url}/`)).status, 200);
    await second.stop();
    await provided.server.close();
  });

  test(`${store}: a logout ends the session for every copy of its cookie, and its WebSockets`, () =>
    withAuth(
      async ({ url, port }, { provider }, browser) => {
        await browser.follow(`${url}/`);
        const copy = browser.copy();
        const out = await browser.get(`${url}/oauth2/sign_out`);
        assert.is(out.status, 302);
        const to = new URL(out.headers.location!);
        assert.is(to.pathname, '/logout');
        assert.is(to.searchParams.get('post_logout_redirect_uri'), `${url}/`);
        assert.ok(to.searchParams.get('id_token_hint'));
        assert.not.ok(browser.cookies.has('__Host-session'));
        assert.is((await copy.get(`${url}/`)).status, 302);
        await eventually('the refresh token is revoked', () => provider.counts.revoked === 1);
        assert.ok(port > 0);
      },
      { AUTH_SESSION_STORE: store },
    ));
}

test('a refresh without an ID token changes only what userinfo tells', () =>
  withAuth(async ({ url }, { provider }, browser) => {
    const claims = { email: 'ann@example.org', email_verified: true, preferred_username: 'ann', groups: ['staff'] };
    provider.mischief = { claims };
    provider.person = { sub: 'ann' };
    provider.life = SHORT;
    provider.idTokenAtRefresh = false;
    await browser.follow(`${url}/`);
    const { refreshes } = provider.counts;
    const { headers } = echoed(await browser.get(`${url}/`));
    assert.ok(provider.counts.refreshes > refreshes);
    assert.is(headers['x-forwarded-groups'], 'staff');
    assert.is(headers['x-forwarded-email'], 'ann@example.org');
    assert.is(headers['x-forwarded-preferred-username'], 'ann');
    provider.mischief = { userinfo: { groups: [], email: 'eve@example.org', email_verified: false } };
    const changed = echoed(await browser.get(`${url}/`));
    assert.is(changed.headers['x-forwarded-groups'], undefined);
    assert.is(changed.headers['x-forwarded-email'], undefined);
  }));

test('another site signs nobody out: its link shows a question, its form too', () =>
  withAuth(async ({ url }, _provided, browser) => {
    await browser.follow(`${url}/`);
    const out = `${url}/oauth2/sign_out?rd=/bye`;
    const { host } = new URL(url);
    const plain = { 'sec-fetch-mode': '', 'sec-fetch-site': '' };
    for (const [method, fields] of [
      ['GET', { 'sec-fetch-site': 'cross-site' }],
      ['GET', { 'sec-fetch-site': 'same-site' }],
      ['POST', { 'sec-fetch-site': 'cross-site', origin: url }],
      ['POST', { ...plain, origin: 'https://evil.example' }],
      ['POST', { ...plain, origin: 'null' }],
      ['GET', { ...plain, referer: `https://evil.example/${host}` }],
      ['GET', plain],
    ] as const) {
      const page = await browser.get(out, fields, method);
      assert.is(page.status, 200, JSON.stringify([method, fields]));
      assert.match(page.text, '<form method="post" action="/oauth2/sign_out?rd=%2Fbye">');
      assert.is(page.headers['set-cookie'], undefined);
      assert.is(page.headers['referrer-policy'], 'same-origin', 'the form says where it comes from');
      assert.is((await browser.get(`${url}/`)).status, 200);
    }
    const answered = await browser.get(out, { 'sec-fetch-site': 'same-origin', origin: url }, 'POST');
    assert.is(answered.status, 302);
    assert.is((await browser.get(`${url}/`)).status, 302);
    for (const [method, fields] of [
      ['GET', { 'sec-fetch-site': 'same-origin' }],
      ['GET', { ...plain, referer: `${url}/page` }],
      ['POST', { ...plain, origin: url }],
      ['POST', plain],
    ] as const) {
      await browser.follow(`${url}/`);
      assert.is((await browser.get(out, fields, method)).status, 302, JSON.stringify([method, fields]));
      assert.is((await browser.get(`${url}/`)).status, 302);
    }
  }));

test('a WebSocket ends with its session, and one of another site is refused', async () => {
  const provided = await startTestProvider();
  await using app = await serve(echo);
  app.server.on('upgrade', (_request, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\nhello');
  });
  const directory = temporaryDirectory('auth');
  const auth = await startAuth(app.port, oidcEnv(provided, directory), directory);
  const browser = new TestBrowser();
  await browser.follow(`${auth.url}/`);
  const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  const upgrade = async (origin: string) => {
    const talk = await connected(auth.port);
    talk.send(
      `GET /chat HTTP/1.1\r\nHost: 127.0.0.1:${auth.port}\r\nConnection: upgrade\r\nUpgrade: websocket\r\n${origin}Cookie: ${cookie}\r\n\r\n`,
    );
    return talk;
  };
  for (const origin of ['https://evil.example', 'null', `https://127.0.0.1:${auth.port + 1}`]) {
    const refused = await upgrade(`Origin: ${origin}\r\n`);
    await refused.until(({ text }) => text.includes('\r\n\r\n'), 30_000);
    assert.match(refused.text, /^HTTP\/1\.1 403/, origin);
    refused.socket.destroy();
  }
  const open = [await upgrade(`Origin: ${auth.url}\r\n`), await upgrade('')];
  for (const talk of open) await talk.until(({ text }) => text.endsWith('hello'), 30_000);
  await browser.get(`${auth.url}/oauth2/sign_out`);
  for (const talk of open) await talk.until(({ closed }) => closed, 30_000);
  await auth.stop();
  await provided.server.close();
});

test('an idle session ends, one that is used goes on, none outlives its lifetime', async () => {
  const { Sessions } = await import('./sessions/sessions.ts');
  const { Records } = await import('./sessions/records.ts');
  const { Revocations } = await import('./sessions/revocations.ts');
  const { Seal } = await import('./lib/seal.ts');
  for (const store of ['cookie', 'server'] as const) {
    const directory = temporaryDirectory('auth');
    const seal = new Seal([SECRET]);
    let time = 1_000_000;
    const now = (): number => time;
    const sessions = new Sessions({
      store,
      seal,
      records: await Records.open(directory, seal),
      revocations: await Revocations.open(directory, 10_000, now),
      lifetimes: { lifetime: 10_000, idle: 3000 },
      now,
    });
    let { cookie } = await sessions.begin({ sub: 'ann', groups: [] });
    const idle = cookie;
    for (let step = 0; step < 4; step++) {
      time += 2000;
      const found = await sessions.find(cookie);
      assert.ok(found?.stale, `${store} ${step}`);
      ({ cookie } = await sessions.touch(found.session));
      assert.is((await sessions.find(cookie))?.stale, false);
    }
    if (store === 'cookie') assert.is(await sessions.find(idle), undefined, 'a copy that nobody used');
    time += 2500;
    assert.is(await sessions.find(cookie), undefined, 'its lifetime is over');
    assert.is(await sessions.find('x'), undefined);
    assert.is(await sessions.find(''), undefined);
  }
});

test('records that nobody can use any more are removed, the sleep of the machine included', async () => {
  const provided = await startTestProvider();
  await using app = await serve(echo);
  const directory = temporaryDirectory('auth');
  let time = 0;
  const env = { ...oidcEnv(provided, directory), AUTH_SESSION_STORE: 'server' };
  const started = await startAuth(app.port, env, directory, { now: () => time, every: 1 });
  await new TestBrowser().follow(`${started.url}/`);
  const records = (): string[] => readdirSync(join(directory, 'sessions'));
  const [record] = records();
  utimesSync(join(directory, 'sessions', record!), 0, 0);
  time += 3_600_000;
  await eventually('it is removed', () => !records().includes(record!));
  await started.stop();
  await provided.server.close();
});

test.run();

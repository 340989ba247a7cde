import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { echoed, TestBrowser, withAuth } from './test-auth.ts';

test('a browser logs in and lands on the address that it asked for, query included', () =>
  withAuth(async ({ url }, { provider }, browser) => {
    const first = await browser.get(`${url}/page?a=b&c=%26d`);
    assert.is(first.status, 302);
    assert.is(first.headers.location, '/oauth2/start?rd=%2Fpage%3Fa%3Db%26c%3D%2526d');
    const start = await browser.get(new URL(first.headers.location!, url).href);
    const to = new URL(start.headers.location!);
    assert.is(to.origin, provider.issuer);
    assert.is(to.searchParams.get('code_challenge_method'), 'S256');
    for (const name of ['code_challenge', 'nonce', 'state']) assert.ok(to.searchParams.get(name), name);
    assert.is(to.searchParams.get('redirect_uri'), `${url}/oauth2/callback`);
    const page = await browser.follow(`${url}/page?a=b&c=%26d`);
    assert.is(page.status, 200, page.text);
    assert.is(echoed(page).url, '/page?a=b&c=%26d');
    const { headers } = echoed(page);
    assert.is(headers['x-forwarded-user'], 'ann');
    assert.is(headers['x-forwarded-email'], 'ann@example.org');
    assert.is(headers['x-forwarded-groups'], 'staff');
    assert.is(headers['x-forwarded-preferred-username'], 'ann');
    assert.is(headers['x-forwarded-access-token'], undefined);
    assert.not.match(headers['cookie'] ?? '', /session/);
  }));

test("the application's own cookies pass, the sidecar's do not", () =>
  withAuth(async ({ url }, _provided, browser) => {
    await browser.follow(`${url}/`);
    browser.cookies.set('mine', '1');
    browser.cookies.set('__Host-sessionlike', '2');
    const { headers } = echoed(await browser.get(`${url}/`));
    assert.is(headers['cookie'], 'mine=1; __Host-sessionlike=2');
  }));

test('a script gets 401 with JSON, never a redirect', () =>
  withAuth(
    async ({ url }, _provided, browser) => {
      for (const headers of [
        { 'sec-fetch-mode': 'cors' },
        { 'sec-fetch-mode': 'no-cors' },
        { 'x-requested-with': 'XMLHttpRequest' },
      ]) {
        const answer = await browser.get(`${url}/page`, headers);
        assert.is(answer.status, 401, JSON.stringify(headers));
        assert.equal(JSON.parse(answer.text), { error: 'unauthenticated', login: '/oauth2/start' });
      }
      assert.is((await browser.get(`${url}/api/things`)).status, 401, 'a path of AUTH_API_PATHS');
      assert.is((await browser.get(`${url}/%61pi/things`)).status, 401);
      assert.is((await browser.get(`${url}/apis`)).status, 302);
    },
    { AUTH_API_PATHS: '/api/**' },
  ));

test('two tabs: either finishes; a third, whose cookie is gone, uses the session of the others', () =>
  withAuth(async ({ url }, _provided, browser) => {
    const to = async (path: string): Promise<string> => {
      const start = await browser.get(`${url}/oauth2/start?rd=${path}`);
      const back = await browser.get(start.headers.location!);
      return back.headers.location!;
    };
    const [one, two, three] = [await to('/one'), await to('/two'), await to('/three')];
    assert.is([...browser.cookies.keys()].filter((name) => name.includes('-login-')).length, 3);
    assert.is((await browser.get(two)).headers.location, '/two');
    assert.is((await browser.get(one)).headers.location, '/one');
    for (const name of browser.cookies.keys()) if (name.includes('-login-')) browser.cookies.delete(name);
    assert.is((await browser.get(three)).headers.location, '/three');
    // Without a session it begins anew once, and then says so.
    const stranger = new TestBrowser();
    const again = await stranger.get(three);
    assert.is(again.status, 302);
    const back = await stranger.get(again.headers.location!);
    stranger.cookies.clear();
    const given = await stranger.get(back.headers.location!);
    assert.is(given.status, 400);
    assert.match(given.text, /does not keep the cookie/);
  }));

test('tabs without end do not fill the cookies', () =>
  withAuth(async ({ url }, _provided, browser) => {
    for (let tab = 0; tab < 20; tab++) await browser.get(`${url}/oauth2/start?rd=/`);
    assert.is([...browser.cookies.keys()].filter((name) => name.includes('-login-')).length, 5);
    assert.is((await browser.follow(`${url}/`)).status, 200);
  }));

test('a callback that another browser, or nobody, began is refused', () =>
  withAuth(async ({ url }, _provided, browser) => {
    const start = await browser.get(`${url}/oauth2/start?rd=/x`);
    const back = (await browser.get(start.headers.location!)).headers.location!;
    const victim = new TestBrowser();
    const answer = await victim.get(back);
    assert.is(answer.status, 302, 'it begins a login of its own');
    assert.not.ok(victim.cookies.has('__Host-session'));
    for (const query of ['', '?code=1', '?code=1&state=x', '?code=1&state=x&state=y', '?error=access_denied']) {
      const refused = await victim.get(`${url}/oauth2/callback${query}`);
      assert.is(refused.status, 400, query);
    }
    const twice = await browser.get(back);
    assert.is(twice.status, 302);
    const replay = await browser.copy().get(back);
    assert.is.not(
      replay.headers['set-cookie']?.some((line) => line.startsWith('__Host-session=')),
      true,
      'a code is good once',
    );
  }));

test('a refusal of the provider is told on a page', () =>
  withAuth(async ({ url }, _provided, browser) => {
    const start = await browser.get(`${url}/oauth2/start?rd=/x`);
    const state = new URL(start.headers.location!).searchParams.get('state')!;
    const answer = await browser.get(
      `${url}/oauth2/callback?error=access_denied&error_description=%3Cscript%3E&state=${state}`,
    );
    assert.is(answer.status, 403);
    assert.match(answer.text, /refused/);
    assert.not.match(answer.text, /<script>/);
    assert.is([...browser.cookies.keys()].filter((name) => name.includes('-login-')).length, 0);
  }));

test('a POST without a session gets a page, and is not turned into GET', () =>
  withAuth(async ({ url }, _provided, browser) => {
    const answer = await browser.get(
      `${url}/form`,
      { 'content-type': 'application/x-www-form-urlencoded' },
      'POST',
      'a=b',
    );
    assert.is(answer.status, 401);
    assert.match(answer.text, /target="_blank"/);
    await browser.follow(`${url}/`);
    const again = await browser.get(
      `${url}/form`,
      { 'content-type': 'application/x-www-form-urlencoded' },
      'POST',
      'a=b',
    );
    assert.is(echoed(again).method, 'POST');
    assert.is(echoed(again).body, 'a=b');
  }));

test('userinfo and auth tell of the session', () =>
  withAuth(async ({ url }, _provided, browser) => {
    assert.is((await browser.get(`${url}/oauth2/userinfo`)).status, 401);
    assert.is((await browser.get(`${url}/oauth2/auth`)).status, 401);
    await browser.follow(`${url}/`);
    const { text } = await browser.get(`${url}/oauth2/userinfo`);
    assert.equal(JSON.parse(text), {
      user: 'ann',
      email: 'ann@example.org',
      groups: ['staff'],
      preferredUsername: 'ann',
    });
    const { status, headers } = await browser.get(`${url}/oauth2/auth`);
    assert.is(status, 202);
    assert.is(headers['x-auth-request-user'], 'ann');
    assert.is((await browser.get(`${url}/oauth2/nothing`)).status, 404);
    assert.is((await browser.get(`${url}/oauth2/start`, {}, 'POST', '')).status, 405);
  }));

test('300 groups: login works, and the field is bounded', () =>
  withAuth(async ({ url }, { provider }, browser) => {
    const groups = Array.from({ length: 300 }, (_, index) => `department-of-long-names-${index}`);
    provider.person = { ...provider.person, groups };
    const page = await browser.follow(`${url}/`);
    assert.is(page.status, 200);
    const field = echoed(page).headers['x-forwarded-groups']!;
    assert.ok(field.length <= 4096 && field.length > 3900, String(field.length));
    assert.ok(groups.includes(field.split(',').at(-1)!), 'no group is cut in two');
    const size = [...browser.cookies].reduce((sum, [name, value]) => sum + name.length + value.length, 0);
    assert.ok(size < 16_000, String(size));
  }));

test.run();

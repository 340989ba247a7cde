/** What a provider may not say: at a login, at a refresh, as a bearer token, as a logout token. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { request } from '#kit/net/http-client.ts';
import type { TokenFaults } from '#kit/testing/openid-provider.ts';
import { echoed, TestBrowser, withAuth } from './test-auth.ts';

const now = (): number => Math.floor(Date.now() / 1000);

const LIES: Readonly<Record<string, TokenFaults>> = {
  'no signature': { signature: 'none' },
  'the public key as a secret': { signature: 'hs256' },
  'a key of a stranger': { signature: 'stranger' },
  'another issuer': { claims: { iss: 'https://elsewhere.example' } },
  'another audience': { claims: { aud: 'other' } },
  'several audiences without azp': { claims: { aud: ['app', 'other'] } },
  'another azp': { claims: { azp: 'other' } },
  'another nonce': { claims: { nonce: 'x' } },
  'no nonce': { claims: { nonce: undefined } },
  'the past': { claims: { exp: now() - 120 } },
  'no end': { claims: { exp: undefined } },
  'the future': { claims: { iat: now() + 600 } },
  'no sub': { claims: { sub: undefined } },
  'an empty sub': { claims: { sub: '' } },
  'no iat': { claims: { iat: undefined } },
  'an algorithm that is not allowed': { header: { alg: 'RS512' } },
  'userinfo of somebody else': { userinfo: { sub: 'bob' } },
};

test('a login whose ID token is wrong is refused', () =>
  withAuth(async ({ url, metrics }, { provider }) => {
    for (const [name, mischief] of Object.entries(LIES)) {
      provider.mischief = name.startsWith('an algorithm') ? {} : mischief;
      if (name.startsWith('an algorithm')) await provider.rotateKeys('RS512');
      const browser = new TestBrowser();
      const page = await browser.follow(`${url}/`);
      assert.is(page.status, 403, `${name}: ${page.status}`);
      assert.not.ok(browser.cookies.has('__Host-session'), name);
      if (name.startsWith('an algorithm')) await provider.rotateKeys();
    }
    const refused = /auth_logins_total\{result="refused"\} (\d+)/.exec(await metrics())?.[1];
    assert.is(Number(refused), Object.keys(LIES).length);
    provider.mischief = {};
    await provider.rotateKeys('ES256', true);
    assert.is((await new TestBrowser().follow(`${url}/`)).status, 200, 'the truth is accepted, signed by a new key');
  }));

for (const [asked, absent] of [
  ['false', undefined],
  ['true', 'ann@example.org'],
] as const)
  test(`an e-mail address counts when it is verified; OIDC_EMAIL_WITHOUT_VERIFIED=${asked}`, () =>
    withAuth(
      async ({ url }, { provider }) => {
        const email = 'ann@example.org';
        const person = { sub: 'ann', email };
        const told = async (): Promise<string | undefined> => {
          const answer = await request(url, {
            headers: { authorization: `Bearer ${await provider.sign(provider.person as never)}` },
            timeout: 30_000,
          });
          return (JSON.parse(answer.body.toString()) as { headers: Record<string, string> }).headers[
            'x-forwarded-email'
          ];
        };
        for (const [verified, expected] of [
          [true, email],
          ['true', email],
          [false, undefined],
          ['false', undefined],
          ['0', undefined],
          [1, undefined],
          [null, undefined],
          [undefined, absent],
        ] as const) {
          provider.person = { ...person, ...(verified !== undefined && { email_verified: verified }) };
          const said = `email_verified: ${JSON.stringify(verified)}`;
          const page = echoed(await new TestBrowser().follow(`${url}/`));
          assert.is(page.headers['x-forwarded-email'], expected, `login, ${said}`);
          assert.is(await told(), expected, `bearer, ${said}`);
        }
        // The ID token vouches for its own address, not for the other one of userinfo.
        provider.person = person;
        provider.mischief = { claims: { email, email_verified: true }, userinfo: { email: 'eve@example.org' } };
        const page = echoed(await new TestBrowser().follow(`${url}/`));
        assert.is(page.headers['x-forwarded-email'], absent && 'eve@example.org');
      },
      { AUTH_METHODS: 'oidc,jwt', OIDC_EMAIL_WITHOUT_VERIFIED: asked },
    ));

test('bearer tokens are held to the same', () =>
  withAuth(
    async ({ url }, { provider }) => {
      const ask = async (token: string) =>
        await request(url, { headers: { authorization: `Bearer ${token}` }, timeout: 30_000 });
      const good = await ask(await provider.sign({ sub: 'robot', groups: ['bots'] }));
      assert.is(good.status, 200);
      const { headers } = JSON.parse(good.body.toString()) as { headers: Record<string, string> };
      assert.is(headers['x-forwarded-user'], 'robot');
      assert.is(headers['x-forwarded-groups'], 'bots');
      assert.is(headers['authorization'], undefined, 'the token stays here');
      const none = ['nonce', 'azp', 'userinfo', 'several'];
      for (const [name, mischief] of Object.entries(LIES)) {
        if (none.some((word) => name.includes(word))) continue;
        if (mischief.header) continue;
        provider.mischief = mischief;
        const answer = await ask(await provider.sign({ sub: 'robot' }));
        assert.is(answer.status, 401, name);
        assert.match(String(answer.headers['www-authenticate']), /invalid_token/);
      }
      provider.mischief = {};
      assert.is((await ask(await provider.logoutToken({ sub: 'robot' }))).status, 401, 'a logout token');
      for (const junk of ['', 'x', 'a.b.c', `${'a'.repeat(20_000)}.b.c`, '..', 'eyJhbGciOiJub25lIn0.e30.'])
        assert.is((await ask(junk)).status, 401, junk.slice(0, 20));
      assert.is((await request(url, { timeout: 30_000 })).status, 401);
    },
    { AUTH_METHODS: 'jwt' },
  ));

test('an unknown key is fetched once a cooldown, however many tokens name one', () =>
  withAuth(
    async ({ url }, { provider }) => {
      const ask = async (token: string): Promise<number> =>
        (await request(url, { headers: { authorization: `Bearer ${token}` }, timeout: 30_000 })).status;
      assert.is(await ask(await provider.sign({ sub: 'robot' })), 200);
      assert.is(provider.counts.jwks, 1);
      await provider.rotateKeys('ES256', true);
      assert.is(await ask(await provider.sign({ sub: 'robot' })), 200, 'a new key, a moment after a fetch');
      assert.is(provider.counts.jwks, 2);
      provider.mischief = { header: { kid: 'nobody' } };
      const strangers = await Promise.all(Array.from({ length: 20 }, () => provider.sign({ sub: 'robot' })));
      for (const status of await Promise.all(strangers.map(ask))) assert.is(status, 401);
      assert.is(provider.counts.jwks, 2);
      provider.mischief = {};
      assert.is(await ask(await provider.sign({ sub: 'robot' })), 200, 'keys that are known stay');
    },
    { AUTH_METHODS: 'jwt' },
  ));

test('an invalid JWKS opens nothing and ends nothing; of a mixed one the good key counts', async () => {
  const documents: Record<string, [expected: number, (keys: readonly object[]) => unknown]> = {
    'no object': [401, () => 'keys'],
    'no list': [401, () => ({ keys: 'x' })],
    empty: [401, () => ({ keys: [] })],
    'no keys': [401, () => ({ keys: [null, 1, 'x', []] })],
    'an unknown type': [401, (keys) => ({ keys: keys.map((key) => ({ ...key, kty: 'XYZ' })) })],
    'cut short': [401, (keys) => ({ keys: keys.map((key) => ({ ...key, n: 'AQAB' })) })],
    'too many': [401, (keys) => ({ keys: Array.from({ length: 1000 }, () => keys[0]) })],
    'a secret among them': [200, (keys) => ({ keys: [{ kty: 'oct', k: 'c2VjcmV0', alg: 'HS256' }, ...keys] })],
    'a strange one among them': [200, (keys) => ({ keys: [...keys, { kty: 'XYZ', kid: 'strange' }] })],
  };
  for (const [name, [expected, document]] of Object.entries(documents))
    await withAuth(
      async ({ url }, { provider }) => {
        provider.jwks = document;
        const ask = async (token: string): Promise<number> =>
          (await request(url, { headers: { authorization: `Bearer ${token}` }, timeout: 30_000 })).status;
        assert.is(await ask(await provider.sign({ sub: 'robot' })), expected, name);
        assert.is(await ask('e30.bm90IGpzb24.AA'), 401);
        assert.is((await request(`${url}/oauth2/auth`, { timeout: 30_000 })).status, 401, 'it goes on');
      },
      { AUTH_METHODS: 'jwt' },
    );
});

test('a back-channel logout ends the session in cookie mode, at once, and after a restart too', () =>
  withAuth(async ({ url }, { provider }, browser) => {
    await browser.follow(`${url}/`);
    const other = new TestBrowser();
    await other.follow(`${url}/`);
    const sid = provider.logins.at(-1)!;
    const post = async (token: string, type = 'application/x-www-form-urlencoded'): Promise<number> =>
      (
        await request(`${url}/oauth2/backchannel-logout`, {
          method: 'POST',
          headers: { 'content-type': type },
          body: new URLSearchParams({ logout_token: token }).toString(),
          timeout: 30_000,
        })
      ).status;
    const wrong: Record<string, unknown>[] = [
      { sub: undefined },
      { sub: 'ann', nonce: 'x' },
      { sub: 'ann', events: {} },
      { sub: 'ann', events: undefined },
      { sub: 'ann', jti: undefined },
      { sub: 'ann', iat: now() - 3600 },
      { sub: 'ann', aud: 'other' },
      { sub: 'ann', iss: 'https://elsewhere.example' },
    ];
    for (const claims of wrong) assert.is(await post(await provider.logoutToken(claims)), 400, JSON.stringify(claims));
    assert.is(await post(await provider.sign({ sub: 'ann' })), 400, 'an ID token');
    provider.mischief = { signature: 'stranger' };
    assert.is(await post(await provider.logoutToken({ sub: 'ann' })), 400, 'a stranger');
    provider.mischief = {};
    assert.is(await post(await provider.logoutToken({ sub: 'ann' }), 'application/json'), 400);
    assert.is((await browser.get(`${url}/`)).status, 200, 'all that ended nothing');
    const token = await provider.logoutToken({ sub: 'ann', sid });
    assert.is(await post(token), 200);
    assert.is((await other.get(`${url}/`)).status, 302, 'the login of that sid is over');
    assert.is((await browser.get(`${url}/`)).status, 200, 'another of the same person is not');
    assert.is(await post(token), 400, 'a replay');
    assert.is(await post(await provider.logoutToken({ sub: 'ann' })), 200);
    assert.is((await browser.get(`${url}/`)).status, 302);
    await browser.follow(`${url}/`);
    assert.is((await browser.get(`${url}/`)).status, 200, 'a new login is not the one that ended');
  }));

test.run();

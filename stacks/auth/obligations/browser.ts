/** What a person sees, in a real browser. */
import type { Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { withPage } from '../lib/browser.ts';
import { SHOP, WHOAMI, whoami } from '../lib/client.ts';

const LONG = 120_000;
/** Of what browsers read differently from servers; redirects.test.ts has hundreds. */
const HOSTILE = [
  'https://rogue:9000/',
  '//rogue:9000/',
  '/\\rogue:9000',
  '\\\\rogue:9000',
  '/\t/rogue:9000',
  '\n//rogue:9000',
  '/.//rogue:9000',
  '/x/..//rogue:9000',
  'https:/rogue:9000',
  'javascript:alert(1)',
  '@rogue:9000',
];
const BOOK = `${SHOP}/cgi-bin/guestbook.cgi`;

/** Fill in the provider's forms, which ask for a name and then, the first time, for consent. */
async function signIn(page: Page, name: string): Promise<void> {
  await page.locator('input[name="login"]').fill(name);
  await page.locator('input[name="password"]').fill('any');
  await page.locator('button[type="submit"]').click();
  const consent = page.locator('input[name="prompt"][value="consent"]');
  await page.waitForURL((url) => url.origin === SHOP || url.pathname.startsWith('/interaction/'));
  await page.waitForLoadState();
  if ((await consent.count()) > 0) await page.locator('button[type="submit"]').click();
}

export function browserObligations({ must }: Scenario): void {
  must(
    'log a browser in by code, PKCE, nonce and state, and land on the requested address',
    { say: 'A person asks for a page, signs in, and is where they wanted to be.', within: LONG },
    async (stage) => {
      await withPage(stage, async (page) => {
        const asked: URL[] = [];
        page.on('request', (request) => void asked.push(new URL(request.url())));
        await page.goto(`${whoami(SHOP)}?a=b&c=%26d`);
        await signIn(page, 'person');
        await page.getByText('GATEWAY_INTERFACE').waitFor();
        assert.is(page.url(), `${whoami(SHOP)}?a=b&c=%26d`);
        assert.match(await page.locator('body').innerText(), /^QUERY_STRING=a=b&c=%26d$/m);
        const { searchParams } = asked.find(({ pathname }) => pathname === '/auth')!;
        assert.is(searchParams.get('response_type'), 'code');
        assert.is(searchParams.get('code_challenge_method'), 'S256');
        for (const name of ['code_challenge', 'nonce', 'state']) assert.ok(searchParams.get(name), name);
        const cookies = await page.context().cookies(SHOP);
        const session = cookies.filter(({ name }) => name.startsWith('__Host-session'));
        assert.ok(
          session.length > 0 &&
            session.every(({ httpOnly, secure, sameSite }) => httpOnly && secure && sameSite === 'Lax'),
        );
        assert.not.ok(
          cookies.some(({ name }) => name.includes('-login-')),
          'the cookie of the login is gone',
        );
        const answer = await page.evaluate(
          `fetch('/api/things', { redirect: 'manual' }).then((answer) => [answer.status, answer.type])`,
        );
        assert.equal(answer, [404, 'basic'], 'a script of the page is in as well');
        await page.context().clearCookies({ name: /^__Host-session/ });
        const refused = await page.evaluate(
          `fetch('/api/things').then(async (answer) => [answer.status, (await answer.json()).error])`,
        );
        assert.equal(refused, [401, 'unauthenticated'], 'and is told so when it is not');
      });
    },
  );

  must(
    'finish a login in either of two tabs, also when the cookie of one has gone',
    { say: 'Two tabs, two logins. Either can be finished first.', within: LONG },
    async (stage) => {
      await withPage(stage, async (one) => {
        const two = await one.context().newPage();
        await one.goto(`${whoami(SHOP)}?tab=one`);
        await two.goto(`${whoami(SHOP)}?tab=two`);
        await signIn(two, 'tabby');
        await two.getByText('GATEWAY_INTERFACE').waitFor();
        assert.is(two.url(), `${whoami(SHOP)}?tab=two`);
        // What was begun in the first tab is too old for its cookie now.
        await one.context().clearCookies({ name: /-login-/ });
        await signIn(one, 'tabby');
        await one.getByText('GATEWAY_INTERFACE').waitFor();
        assert.is(one.url(), `${whoami(SHOP)}?tab=one`);
      });
    },
  );

  must(
    'send nobody to another site after a login, whatever was asked for',
    { say: 'A link to the login names another site in a dozen ways. The browser stays here.', within: LONG },
    async (stage) => {
      await withPage(stage, async (page) => {
        await page.goto(whoami(SHOP));
        await signIn(page, 'lured');
        await page.getByText('GATEWAY_INTERFACE').waitFor();
        for (const target of HOSTILE) {
          await page.goto(`${SHOP}/oauth2/start?rd=${encodeURIComponent(target)}`);
          assert.is(new URL(page.url()).origin, SHOP, JSON.stringify(target));
        }
        await page.goto(`${SHOP}/oauth2/start?rd=${encodeURIComponent(`${WHOAMI}?x=//y`)}`);
        assert.is(page.url(), `${whoami(SHOP)}?x=//y`, 'what is of this site is gone to');
      });
    },
  );

  must(
    'keep a form that meets an ended session, and never make a GET of it',
    { say: 'A form was filled in, and the session has ended meanwhile. Nothing of it is lost.', within: LONG },
    async (stage) => {
      await withPage(stage, async (page) => {
        await page.goto(BOOK);
        await signIn(page, 'writer');
        await page.locator('input[name="name"]').fill('Writer');
        await page.locator('input[name="message"]').fill('still here');
        await page.context().clearCookies({ name: /^__Host-session/ });
        const methods: string[] = [];
        page.on('request', (request) => void (request.url().startsWith(BOOK) && methods.push(request.method())));
        await page.locator('input[type="submit"]').click();
        await page.getByText('You are signed out').waitFor();
        assert.equal(methods, ['POST']);
        const [tab] = await Promise.all([page.context().waitForEvent('page'), page.getByRole('link').click()]);
        await tab
          .getByText(/home page/i)
          .first()
          .waitFor();
        await page.reload();
        await page.getByText('still here').waitFor();
        assert.is(methods.filter((method) => method === 'POST').length, 2, methods.join(', '));
      });
    },
  );
}

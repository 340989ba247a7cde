/** Sessions: renewed once, ended everywhere, and never by what goes wrong elsewhere. */
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { metric } from '../../../scripts/lib/admin.ts';
import type { Scenario, Stage } from '../../../scripts/scenario/scenario.ts';
import { ask, SHOP, Visitor, whoami } from '../lib/client.ts';

const LONG = 60_000;
/** The provider's access tokens last 6 s; the sidecar renews them at half of such a short life. */
const REFRESH_AFTER = 3000;
const restart = async ({ project }: Stage): Promise<void> => {
  await project.stop('shop-auth');
  await project.start('shop-auth');
};
const refreshed = (stage: Stage): Promise<number> =>
  metric(stage.project, 'shop-auth', 'auth_refreshes_total{result="ok"}');

export function sessionObligations({ must }: Scenario): void {
  must(
    'refresh once when 50 requests come at the end of an access token, and sign nobody out',
    {
      say: 'Access tokens last seconds here, and a refresh token is good for one refresh. 50 requests come at once.',
      within: 2 * LONG,
    },
    async (stage) => {
      const visitor = new Visitor(stage);
      await visitor.login('fifty');
      const former = visitor.copy();
      for (let round = 1; round <= 2; round++) {
        const before = await refreshed(stage);
        const due = Date.now() + REFRESH_AFTER + 1000;
        await eventually('the access token has ended', () => Date.now() > due, { signal: stage.signal });
        const began = Date.now();
        const crowd = Array.from({ length: 50 }, () => visitor.copy().xhr(whoami(SHOP)));
        const answers = await Promise.all(crowd);
        assert.equal([...new Set(answers.map(({ status }) => status))], [200]);
        // On a slow machine the 50 may take longer than the next token lasts.
        const lives = 1 + Math.floor((Date.now() - began) / REFRESH_AFTER);
        const refreshes = (await refreshed(stage)) - before;
        assert.ok(refreshes >= 1 && refreshes <= lives, `${refreshes} refreshes in ${lives} lives of a token`);
        assert.ok(
          answers.every(({ headers }) => headers['set-cookie']?.some((line) => line.startsWith('__Host-session='))),
          'each script is given the new cookie',
        );
      }
      assert.is((await former.ask(whoami(SHOP))).status, 200, 'who still has the first cookie is in, too');
      stage.say('50 requests, one refresh, twice');
    },
  );

  must(
    'end both sessions at a logout, wherever a copy of the cookie lies',
    { say: 'Who signs out at the shop is signed out at the provider, too.', within: LONG },
    async (stage) => {
      const visitor = new Visitor(stage);
      await visitor.login('leaver');
      const copy = visitor.copy();
      const lured = await visitor.ask(`${SHOP}/oauth2/sign_out`, { headers: { 'sec-fetch-site': 'cross-site' } });
      assert.match(lured.body, /<form method="post"/, 'a link of another site only asks');
      const out = await visitor.ask(`${SHOP}/oauth2/sign_out`);
      assert.match(out.headers.location!, /^https:\/\/id\.example:8443\/session\/end\?/);
      const form = await visitor.ask(out.headers.location!);
      const xsrf = /name="xsrf" value="([^"]+)"/.exec(form.body)?.[1] ?? '';
      const sent = await visitor.ask('https://id.example:8443/session/end/confirm', {
        method: 'POST',
        body: new URLSearchParams({ xsrf, logout: 'yes' }).toString(),
      });
      assert.is(sent.headers.location, `${SHOP}/`, sent.body.slice(0, 300));
      assert.is((await copy.ask(whoami(SHOP))).status, 302, 'a copy of the cookie opens nothing');
      const again = await visitor.follow(whoami(SHOP));
      assert.match(again.body, /name="login"/, 'the provider asks for a name again');
    },
  );

  must(
    'end a session within a second of a logout at the provider, also after a restart',
    { say: 'Who signs out at the provider alone: it tells the sidecar, which writes it down.', within: 2 * LONG },
    async (stage) => {
      const visitor = new Visitor(stage);
      await visitor.login('remote');
      assert.is((await visitor.ask(whoami(SHOP))).status, 200);
      const form = await visitor.ask('https://id.example:8443/session/end');
      const xsrf = /name="xsrf" value="([^"]+)"/.exec(form.body)?.[1] ?? '';
      const body = new URLSearchParams({ xsrf, logout: 'yes' }).toString();
      await visitor.ask('https://id.example:8443/session/end/confirm', { method: 'POST', body });
      const began = performance.now();
      await eventually('the session is over', async () => (await visitor.copy().ask(whoami(SHOP))).status === 302, {
        signal: stage.signal,
      });
      stage.say(`over ${Math.round(performance.now() - began)} ms after the provider's answer`);
      assert.is((await metric(stage.project, 'shop-auth', 'auth_logouts_total{kind="backchannel"}')) > 0, true);
      await restart(stage);
      await eventually('the sidecar is back', async () => (await ask(stage, `${SHOP}/index.html`)).status === 200, {
        within: LONG,
        signal: stage.signal,
      });
      assert.is((await visitor.copy().ask(whoami(SHOP))).status, 302, 'and it is over for ever');
    },
  );

  must(
    'sign nobody out when the sidecar is killed, or the secret of the cookies is changed',
    { say: 'The sidecar is killed. Then the secret that seals cookies is changed. Nobody notices.', within: 2 * LONG },
    async (stage) => {
      const visitor = new Visitor(stage);
      await visitor.login('steady');
      await stage.project.crash('shop-auth');
      await eventually('the sidecar is back', async () => (await visitor.ask(whoami(SHOP))).status === 200, {
        within: LONG,
        signal: stage.signal,
      });
      const former = visitor.jar(SHOP).get('__Host-session')!;
      await stage.project.run('secrets', ['secrets', 'rotate']);
      const keyOf = (cookie: string): unknown =>
        (JSON.parse(Buffer.from(cookie.split('.', 1)[0]!, 'base64url').toString()) as { kid: unknown }).kid;
      await eventually(
        'cookies are sealed by the new secret',
        async () => {
          const other = new Visitor(stage);
          await other.login('newcomer');
          const cookie = other.jar(SHOP).get('__Host-session');
          return cookie !== undefined && keyOf(cookie) !== keyOf(former);
        },
        { within: LONG, every: 500, signal: stage.signal },
      );
      assert.is((await visitor.ask(whoami(SHOP))).status, 200, 'the old cookie is good');
    },
  );

  must(
    'start and keep sessions while the provider is down; tell new logins; recover alone',
    { say: 'The provider is gone, and the sidecar is started anew all the same.', within: 3 * LONG },
    async (stage) => {
      const visitor = new Visitor(stage);
      await visitor.login('patient');
      await stage.project.stop('id-tls');
      try {
        await restart(stage);
        await eventually('the sidecar is back', async () => (await visitor.ask(whoami(SHOP))).status === 200, {
          within: LONG,
          signal: stage.signal,
        });
        const start = await ask(stage, `${SHOP}/oauth2/start?rd=/`);
        assert.is(start.status, 503);
        assert.match(start.body, /The login service does not answer/);
        assert.ok(Number(start.headers['retry-after']) > 0);
        assert.is(await metric(stage.project, 'shop-auth', 'auth_provider_up'), 0);
      } finally {
        await stage.project.start('id-tls');
      }
      await eventually('logins work again', async () => (await new Visitor(stage).login('late')).status === 200, {
        within: LONG,
        every: 250,
        signal: stage.signal,
      });
      assert.is((await visitor.ask(whoami(SHOP))).status, 200);
    },
  );
}

/** Nobody sees another's page, and nobody puts one there for others. */
import * as assert from 'uvu/assert';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { askedExactly, page, unique } from '../lib/client.ts';

export function privacyObligations({ must }: Scenario): void {
  must(
    "show nobody another's Set-Cookie, nor the answer to another's Authorization",
    { say: "A page that sets a cookie, and one that was asked with a password, are nobody else's." },
    async (stage) => {
      const login = `/page?cc=public,%20max-age=600&cookie=1&id=${unique()}`;
      const cookies = [await page(stage, login), await page(stage, login)].map(({ headers }) =>
        String(headers['set-cookie']),
      );
      assert.is(new Set(cookies).size, 2);
      const path = `/page?cc=max-age=600&id=${unique()}`;
      const ann = await page(stage, path, { headers: { Authorization: 'Basic ann' } });
      assert.match(ann.text, 'for Basic ann');
      assert.match((await page(stage, path)).text, 'for nobody');
      await askedExactly(stage.project, path, 2);
    },
  );

  must(
    'store no account under the name of a file',
    { say: '/account/x.css shows the account: a visitor who was lured there must not leave it in the store.' },
    async (stage) => {
      for (const file of ['x.css', 'logo.png', 'a.js']) {
        const path = `/account/${unique()}/${file}`;
        assert.match((await page(stage, path, { headers: { 'X-User': 'ann' } })).text, 'account of ann');
        const eve = await page(stage, path, { headers: { 'X-User': 'eve' } });
        assert.match(eve.text, 'account of eve');
        assert.match(eve.did, /^fwd=/);
      }
    },
  );

  must(
    'give others nothing of what one claims of host, method and URL',
    { say: 'Claims of another host, another method, fields that are too long: none of it reaches others.' },
    async (stage) => {
      for (const headers of [
        { 'X-Forwarded-Host': 'evil.test' },
        { 'X-HTTP-Method-Override': 'DELETE' },
        { 'X-Original-URL': '/evil' },
        { 'X-Forwarded-Proto': 'evil' },
        { 'X-Long': 'x'.repeat(12_000) },
      ]) {
        const path = `/page?cc=max-age=600&id=${unique()}`;
        await page(stage, path, { headers });
        const { status, text } = await page(stage, path);
        assert.is(status, 200);
        assert.match(text, `GET for nobody  at https://localhost:${stage.port('SHOP')}`);
      }
    },
  );

  must('keep hosts and schemes apart', { say: 'The same path of another host is another page.' }, async (stage) => {
    const path = `/page?cc=max-age=600&id=${unique()}`;
    for (let round = 0; round < 2; round++)
      for (const host of ['localhost', '127.0.0.1'])
        assert.match((await page(stage, path, { headers: { Host: host } })).text, new RegExp(`at https://${host}\n`));
    await askedExactly(stage.project, path, 2);
  });
}

/** The second provider, and a flood of logins. */
import * as assert from 'uvu/assert';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { ask, LOBBY } from '../lib/client.ts';
import { withPage } from '../lib/browser.ts';

const START = String.raw`exec 3<>/dev/tcp/lobby-pod/4180
printf 'GET /oauth2/start?rd=/ HTTP/1.0\r\nHost: lobby.example:4180\r\nAccept: text/html\r\n\r\n' >&3
cat <&3`;

export function lobbyObligations({ must }: Scenario): void {
  must(
    'log in at a provider of other people, too',
    { say: 'LemonLDAP::NG is written in Perl, by other people. A browser logs in there as well.', within: 120_000 },
    async (stage) => {
      await withPage(stage, async (page) => {
        await page.goto(`${LOBBY}/cgi-bin/whoami.cgi?a=b`);
        await page.locator('input[name="user"]').fill('dwho');
        await page.locator('input[name="password"]').fill('dwho');
        await page.locator('input[name="password"]').press('Enter');
        await page.getByText('GATEWAY_INTERFACE').waitFor();
        assert.is(page.url(), `${LOBBY}/cgi-bin/whoami.cgi?a=b`);
        const text = await page.locator('body').innerText();
        assert.match(text, /^HTTP_X_FORWARDED_USER=dwho$/m);
        assert.match(text, /^HTTP_X_FORWARDED_EMAIL=dwho@/m);
      });
    },
  );

  must(
    'answer a flood of logins with 429 and Retry-After, and nobody else',
    { say: 'Somebody begins logins without end. They are told to wait; others are not.' },
    async (stage) => {
      const flood = await stage.project.exec('trap-pod', [
        'bash',
        '-c',
        `for i in {1..25}; do ( ${START} ) | tr -d '\\r' | grep -E '^(HTTP|Retry-After)'; done`,
      ]);
      const statuses = [...flood.matchAll(/^HTTP\/1\.[01] (\d+)/gm)].map(([, status]) => status);
      assert.is(statuses.length, 25);
      assert.ok(statuses.filter((status) => status === '302').length >= 10, flood);
      assert.ok(statuses.filter((status) => status === '429').length >= 10, flood);
      assert.match(flood, /^Retry-After: \d+$/m);
      assert.is((await ask(stage, `${LOBBY}/oauth2/start?rd=/`)).status, 302, 'another client');
    },
  );
}

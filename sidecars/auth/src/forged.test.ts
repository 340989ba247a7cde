/** Who somebody is, nobody says but the sidecar: not a client, and not a proxy that is trusted about addresses. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { IDENTITY_FIELDS } from './lib/identity.ts';
import { echoed, secretFile, withAuth } from './test-auth.ts';

const RULES = '- { path: /public/**, access: public }\n- { path: /admin/**, groups: [admins], access: allow }\n';

/** Spellings that CGI takes for one. */
const spellings = IDENTITY_FIELDS.flatMap((name) =>
  ['-', '_', '.'].flatMap((mark) => [name.replaceAll('-', mark), name.toLowerCase().replaceAll('-', mark)]),
);

for (const trusted of ['', '127.0.0.1']) {
  test(`forged identity never arrives, sent by ${trusted === '' ? 'a client' : 'a trusted proxy'}`, () =>
    withAuth(
      async ({ url }, _provided, browser) => {
        for (const signedIn of [false, true]) {
          if (signedIn) await browser.follow(`${url}/`);
          for (const name of spellings) {
            for (const connection of [undefined, `close, ${name}`, 'close, x-forwarded-user']) {
              const page = await browser.get(`${url}/public/x`, {
                [name]: 'forged',
                ...(connection && { connection }),
              });
              assert.is(page.status, 200);
              assert.not.match(page.text, /forged/, `${name} ${connection}`);
              assert.is(echoed(page).headers['x-forwarded-user'], signedIn ? 'ann' : undefined);
            }
          }
          const admin = await browser.get(`${url}/admin/x`, { 'x-forwarded-groups': 'admins' });
          assert.is(admin.status, signedIn ? 403 : 302);
        }
        const { headers } = echoed(
          await browser.get(`${url}/`, { 'x-forwarded-for': '192.0.2.9', forwarded: 'for=192.0.2.9' }),
        );
        assert.is(headers['x-forwarded-for'], trusted === '' ? '127.0.0.1' : '192.0.2.9');
      },
      (directory) => ({
        AUTH_RULES: secretFile(directory, 'rules', RULES),
        ...(trusted && { AUTH_TRUSTED_PROXIES: trusted }),
      }),
    ));
}

test('who is not among the trusted proxies says nothing of addresses, in any spelling', () =>
  withAuth(
    async ({ url }, _provided, browser) => {
      await browser.follow(`${url}/`);
      const forged = {
        'x-forwarded-for': '6.6.6.6',
        x_forwarded_for: '6.6.6.6',
        'x-real-ip': '6.6.6.6',
        forwarded: 'for=6.6.6.6',
        'x-forwarded-proto': 'gopher',
      };
      const page = await browser.get(`${url}/`, forged);
      assert.is(page.status, 200);
      assert.not.match(page.text, /6\.6\.6\.6|gopher/);
      assert.is(echoed(page).headers['x-forwarded-proto'], 'http');
    },
    { AUTH_TRUSTED_PROXIES: '192.0.2.0/24' },
  ));

test.run();

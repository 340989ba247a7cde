/** oauth2-proxy and ours at the same provider, with the same hostile targets: neither sends a browser to another site. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { request } from '#kit/net/http-client.ts';
import { freePort } from '#kit/testing/ports.ts';
import { serve } from '#kit/testing/server.ts';
import { skipped } from '#kit/testing/skipped.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { echo } from '#proxy/testing/apps.ts';
import {
  echoed,
  oidcEnv,
  startAuth,
  startTestProvider,
  TestBrowser,
  type Provided,
} from '../../../sidecars/auth/src/test-auth.ts';
import { HOSTILE } from '../../../sidecars/auth/src/testing/hostile-targets.ts';
import { findPeer, notBuilt } from '../../lib/go-program.ts';
import { startPeer } from '../start-peer.ts';

/** Each is a login of its own. The step has no factor in common with any part of the list, so all parts come. */
const TARGETS = HOSTILE.filter((_, index) => index % 11 === 0);

/** Log in with a target. @returns the origin to which the browser is sent at the end */
async function landing(url: string, target: string): Promise<string> {
  const browser = new TestBrowser();
  const start = await browser.get(`${url}/oauth2/start?rd=${encodeURIComponent(target)}`);
  assert.is(start.status, 302, `${JSON.stringify(target)}: ${start.text}`);
  const granted = await browser.get(start.headers.location!);
  const back = await browser.get(granted.headers.location!);
  assert.is(back.status, 302, `${JSON.stringify(target)}: ${back.text}`);
  return new URL(back.headers.location!, granted.headers.location).origin;
}

/** @param unreadable targets after which it sends a field that is none, so that no browser goes anywhere */
async function staysAt(url: string, unreadable: RegExp | undefined): Promise<void> {
  const page = await new TestBrowser().follow(`${url}/page`);
  assert.is(echoed(page).url, '/page');
  for (const target of TARGETS) {
    const lands = await landing(url, target).catch((error: Error) => {
      if (/HPE_INVALID_HEADER_TOKEN/.test(error.message) && unreadable?.test(target)) return url;
      throw error;
    });
    assert.is(lands, url, JSON.stringify(target));
  }
  assert.is(await landing(url, '/page?a=b'), url);
}

async function between(run: (provided: Provided, appPort: number) => Promise<void>): Promise<void> {
  const provided = await startTestProvider();
  await using app = await serve(echo);
  try {
    await run(provided, app.port);
  } finally {
    await provided.server.close();
  }
}

test(`ours: ${TARGETS.length} hostile targets of real logins stay on the site`, () =>
  between(async (provided, appPort) => {
    const directory = temporaryDirectory('auth');
    const started = await startAuth(appPort, oidcEnv(provided, directory), directory);
    try {
      await staysAt(started.url, undefined);
    } finally {
      await started.stop();
    }
  }));

const path = await findPeer('oauth2-proxy');
const NAME = `oauth2-proxy: the same ${TARGETS.length}`;
if (path === undefined) skipped(NAME, notBuilt('oauth2-proxy'));
else
  test(NAME, () =>
    between(async ({ provider }, appPort) => {
      const url = `http://127.0.0.1:${await freePort()}`;
      const options = {
        'http-address': url.replace('http://', ''),
        upstream: `http://127.0.0.1:${appPort}`,
        provider: 'oidc',
        'oidc-issuer-url': provider.issuer,
        'client-id': provider.clientId,
        'client-secret': 'not-looked-at',
        'cookie-secret': '0123456789abcdef0123456789abcdef',
        'cookie-secure': 'false',
        'code-challenge-method': 'S256',
        'redirect-url': `${url}/oauth2/callback`,
        'email-domain': '*',
        'skip-provider-button': 'true',
        'request-logging': 'false',
        'auth-logging': 'false',
      };
      const args = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
      const peer = await startPeer(path, args, async () => (await request(`${url}/ping`)).status === 200);
      try {
        // It passes a NUL on into Location.
        await staysAt(url, /\0/);
      } finally {
        await peer.stop();
      }
    }),
  );

test.run();

/** Each sidecar's admin page says in a browser what it does and how it is, on a screen and on a phone. */
import { hashSync } from 'bcryptjs';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LogLines } from '#kit/testing/log-lines.ts';
import { freePort } from '#kit/testing/ports.ts';
import { startProgram, type Program } from '#kit/testing/program.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { LOG_FORMATS } from '#kit/telemetry/log.ts';
import { isComplaint, startBrowser, visit } from '../../workshop/commands/test-browser.ts';
import { loadSidecars } from '../contract/sidecars.ts';
import { docker } from '../lib/engine.ts';

const test = suite('admin pages');
const ROOT = join(import.meta.dirname, '../..');
const PATIENCE = 30_000;
/** Of browsers, in pixels. */
const WIDTHS = [1280, 390];
/** Long, as addresses in a cluster are: it must wrap. */
const FAR = `http://configuration.${'namespace'.repeat(6)}.example.svc.cluster.local:1/a`;
const SECRET = 'hush-hush-hush-hush';

/** What lets each begin. Nobody is there of those whom they ask, so that most have problems to tell of. */
async function environments(): Promise<Readonly<Record<string, Readonly<Record<string, string>>>>> {
  const port = async (): Promise<string> => String(await freePort());
  const folder = temporaryDirectory('admin-pages');
  const users = join(folder, 'users');
  writeFileSync(users, `ann:${hashSync('tea', 4)}\n`, { mode: 0o600 });
  const traced = { OTEL_EXPORTER_OTLP_ENDPOINT: FAR, OTEL_EXPORTER_OTLP_HEADERS: `authorization=${SECRET}` };
  const token = join(folder, 'token');
  writeFileSync(token, SECRET, { mode: 0o600 });
  const control = { MESH_CONTROL_PLANE: '127.0.0.1', MESH_SERVICE: 'shop', MESH_JOIN_TOKEN_FILE: token };
  return {
    adapter: { ADAPTER_MODE: 'valkey', ADAPTER_PASSWORD: SECRET },
    ambassador: { AMBASSADOR_PORT: await port(), SERVERS: '127.0.0.1:1', ...traced },
    auth: {
      PROXY_PORT: '1',
      AUTH_METHODS: 'basic',
      AUTH_HTPASSWD_FILE: users,
      AUTH_STATE_DIR: folder,
      AUTH_LISTEN_ADDRESS: '127.0.0.1',
      AUTH_LISTEN_PORT: await port(),
      ...traced,
    },
    cache: { PROXY_PORT: '1', CACHE_LISTEN_PORT: await port(), ...traced },
    'config-sync': {
      CONFIG_URL: FAR,
      CONFIG_TOKEN: SECRET,
      CONFIG_FILES: `shop=${join(folder, 'shop.json')}`,
      CONFIG_STATE_DIR: folder,
    },
    'git-sync': { GITSYNC_REPO: FAR, GITSYNC_ROOT: join(folder, 'git'), GITSYNC_PASSWORD_FILE: token },
    'log-shipper': { STORE_URL: 'http://127.0.0.1:1/', STATE_DIR: join(folder, 'logs'), FORWARD_PORT: await port() },
    'mesh-proxy': {
      ...control,
      MESH_ROOT_CERTIFICATE: join(folder, 'none'),
      MESH_OUTBOUND_PORT: await port(),
      MESH_INBOUND_PORT: await port(),
      MESH_METRICS_PORT: await port(),
      MESH_HEALTH_PORT: await port(),
      ...traced,
    },
    probe: { PROBE_TARGET: 'app.mjs', PROBE_CHECK: FAR },
    tls: { PROXY_PORT: '1', TLS_LISTEN_PORT: await port(), TLS_STATE_DIR: join(folder, 'tls'), ...traced },
    topz: { TOPZ_ADDRESS: `127.0.0.1:${await port()}` },
  };
}

const sidecars = (await loadSidecars(ROOT, [])).filter(
  // mesh-init has ended before anybody could ask it.
  ({ path, name }) => path.startsWith('sidecars/') && name !== 'mesh-init',
);
const environment = await environments();
const container = `sidecar-stacks-pages-${randomBytes(3).toString('hex')}`;
let browser: Browser;
/** Lines of all logs. */
let written = 0;

/** mesh-proxy asks the kernel where connections were meant to go. */
const FLAGS: Readonly<Record<string, readonly string[]>> = { 'mesh-proxy': ['--experimental-ffi', '--no-warnings'] };

/** As it is bundled where it needs files that only the bundle has. */
const programOf = (name: string): string =>
  join(ROOT, 'sidecars', name, name === 'topz' ? 'dist/topz.mjs' : 'src/main.ts');

test.before(async () => {
  browser = await startBrowser(container);
});
test.after(async () => {
  await browser?.close();
  await docker(['rm', '--force', container], { timeoutMs: 60_000 });
});

for (const [index, { name, contract }] of sidecars.entries())
  test(`${name}: its admin page fits a screen and a phone, and tells all but secrets`, async () => {
    const { [name]: env } = environment;
    assert.ok(env, `an environment that ${name} starts with`);
    const format = LOG_FORMATS[index % LOG_FORMATS.length]!;
    const told = { LOG_LEVEL: 'debug', LOG_FORMAT: format, ...env };
    const program: Program = await startProgram([...(FLAGS[name] ?? []), programOf(name)], told);
    const context = await browser.newContext({ colorScheme: 'light' });
    try {
      context.setDefaultTimeout(PATIENCE);
      await program.answers('/healthz', 200);
      const page = await context.newPage();
      const complaints: string[] = [];
      page.on('console', (message) => void (isComplaint(message) && complaints.push(message.text())));
      for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: 844 });
        await visit(page, `http://127.0.0.1:${program.env['ADMIN_PORT']}/`);
        const wide = Number(await page.evaluate('document.documentElement.scrollWidth'));
        assert.ok(wide <= width, `${wide} pixels of ${width}`);
        assert.is(await page.locator('h1').innerText(), `${name} ${contract.version}`);
        const text = await page.locator('body').innerText();
        assert.match(await page.locator('header .state').innerText(), /^(?:not )?ready$/);
        assert.match(text, /Started \d+ s ago/);
        assert.ok(text.includes(contract.description), text.slice(0, 300));
        assert.equal(await page.locator('h2').allInnerTexts(), ['Checks', 'Last problems', 'Parameters', 'Links']);
        assert.ok(text.includes('ADMIN_PORT'));
        assert.not.ok((await page.content()).includes(SECRET), 'a secret is on the page');
        for (const path of Object.keys(contract.endpoints).filter((each) => each === '/readyz' || each === '/metrics'))
          assert.is(await page.locator(`a[href="${path}"]`).count(), 1, path);
        // What a finger has to hit (WCAG 2.2, success criterion 2.5.8).
        const low = await page.evaluate(
          `[...document.querySelectorAll('a')].filter((each) => each.getBoundingClientRect().height < ${width === 390 ? 24 : 0}).length`,
        );
        assert.is(low, 0, 'links that are too low for a finger');
        const background = await page.evaluate(`getComputedStyle(document.querySelector('section')).backgroundColor`);
        assert.is(background, 'rgb(255, 255, 255)', 'its style is allowed by its own policy');
      }
      // The browser asks for /favicon.ico, which nobody has.
      assert.equal(
        complaints.filter((text) => !text.includes('404')),
        [],
      );
      const lines = new LogLines(contract.logs, format);
      lines.checkAll(program.output);
      written += lines.counts.own;
    } finally {
      await context.close();
      program.child.kill('SIGKILL');
    }
  });

test('the sidecars have written lines, which were as their contracts say', () => {
  assert.ok(written > 8, String(written));
});

test.run();

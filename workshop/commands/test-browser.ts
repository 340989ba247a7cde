import { join } from 'node:path';
import { chromium, type Browser, type ConsoleMessage, type Page } from 'playwright-core';
import { eventually } from '#kit/testing/eventually.ts';
import { thisClone } from '../../scripts/lib/clone.ts';
import { docker } from '../../scripts/lib/engine.ts';
import { STACK_LABEL } from '../../scripts/lib/labels.ts';
import { ROOT } from '../../scripts/lib/stacks.ts';

const DEBIAN = process.env['DEBIAN_BASE'] ?? 'sidecar-stacks/debian:trixie';

/**
 * Headless Chromium in a container, in the machine's own network: the page is on 127.0.0.1, and answers to no other name.
 * @param name of the container, which is the caller's to remove
 */
export async function startBrowser(name: string): Promise<Browser> {
  const { tag } = await thisClone();
  const image = `sidecar-stacks/browser:${process.env['IMAGE_TAG'] ?? tag}`;
  await docker(
    [
      'build',
      '--quiet',
      '--tag',
      image,
      join(ROOT, 'stacks/topz/services/browser'),
      '--build-arg',
      `DEBIAN_BASE=${DEBIAN}`,
    ],
    { timeoutMs: 600_000 },
  );
  const where = [
    '--rm',
    '--detach',
    '--name',
    name,
    '--label',
    `${STACK_LABEL}=workshop`,
    '--network',
    'host',
    '--read-only',
    '--tmpfs',
    '/tmp',
    '--user',
    '65533:65533',
    '--env',
    'HOME=/tmp',
  ];
  const flags = [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-dev-shm-usage',
    '--user-data-dir=/tmp/profile',
    '--remote-debugging-port=0',
    'about:blank',
  ];
  await docker(['run', ...where, image, 'chromium-headless-shell', ...flags], { timeoutMs: 60_000 });
  const devtools = async (): Promise<string | undefined> => {
    const port = await docker(['exec', name, 'cat', '/tmp/profile/DevToolsActivePort'], { timeoutMs: 10_000 });
    return /^\d+/.exec(port)?.[0];
  };
  const port = await eventually('the browser listens', devtools, { within: 240_000, every: 100 });
  return chromium.connectOverCDP(`http://127.0.0.1:${port}`, { timeout: 60_000 });
}

/** What Chromium says when the machine gets another network, such as a stack's beside a test: it gives requests up. */
const NETWORK_CHANGED = 'ERR_NETWORK_CHANGED';

/** An error in a page's console that is the page's. */
export const isComplaint = (message: ConsoleMessage): boolean =>
  message.type() === 'error' && !message.text().includes(NETWORK_CHANGED);

/** Open a page; again where the machine got another network meanwhile. */
export async function visit(page: Page, url: string): Promise<void> {
  const opens = async (): Promise<boolean> => {
    try {
      await page.goto(url);
      return true;
    } catch (error) {
      if (!(error as Error).message.includes(NETWORK_CHANGED)) throw error;
      return false;
    }
  };
  await eventually(`${url} opens`, opens, { within: 120_000, every: 100 });
}

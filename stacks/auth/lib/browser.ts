/** The person: Debian's Chromium in a container of the stack's network, driven by playwright-core. */
import { chromium, type Browser, type Page } from 'playwright-core';
import type { Stage } from '../../../scripts/scenario/scenario.ts';

const PATIENCE = 30_000;
let browser: Promise<Browser> | undefined;

export async function closeBrowser(): Promise<void> {
  await (await browser?.catch(() => undefined))?.close();
}

/** Do something in a page whose cookies are nobody else's. The stack's authority is not known to it. */
export async function withPage<T>(stage: Stage, work: (page: Page) => Promise<T>): Promise<T> {
  browser ??= chromium.connectOverCDP(`http://127.0.0.1:${stage.port('BROWSER')}`, { timeout: PATIENCE });
  const context = await (await browser).newContext({ ignoreHTTPSErrors: true });
  context.setDefaultTimeout(PATIENCE);
  try {
    return await work(await context.newPage());
  } finally {
    await context.close();
  }
}

/** The admin port's page in a browser, as wide as a screen and as narrow as a phone. */
import { chromium } from 'playwright-core';
import * as assert from 'uvu/assert';
import { takePictures } from '../../../scripts/lib/pictures.ts';
import type { Stage } from '../../../scripts/scenario/scenario.ts';

/** The pod, as its neighbours call it, and topz' admin port. */
const URL = 'http://pod:9921/';
const PATIENCE = 20_000;

export async function checkAdminPage(stage: Stage): Promise<void> {
  const browser = await chromium.connectOverCDP(`http://127.0.0.1:${stage.port('BROWSER')}`, { timeout: 60_000 });
  const context = await browser.newContext({ colorScheme: 'light' });
  context.setDefaultTimeout(PATIENCE);
  try {
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => void (message.type() === 'error' && complaints.push(message.text())));
    for (const width of [1280, 390]) {
      await page.setViewportSize({ width, height: 844 });
      await page.goto(URL);
      assert.match(await page.locator('h1').innerText(), /^topz /);
      assert.is(await page.locator('header .state').innerText(), 'ready');
      const wide = await page.evaluate('document.documentElement.scrollWidth');
      assert.ok(Number(wide) <= width, `${String(wide)} pixels of ${width}`);
      const background = await page.evaluate(`getComputedStyle(document.querySelector('section')).backgroundColor`);
      assert.is(background, 'rgb(255, 255, 255)', 'its style is allowed by its own policy');
    }
    const pictures = await takePictures(page, 'topz', `${stage.project.name}-admin`);
    stage.say(`pictures of it: ${pictures.join(', ')}`);
    await page.locator('a', { hasText: '/readyz' }).click();
    assert.match(await page.locator('body').innerText(), /"ready":true/);
    // The browser asks for /favicon.ico, which nobody has.
    assert.equal(
      complaints.filter((text) => !text.includes('404')),
      [],
    );
  } finally {
    // Its own contexts and this connection alone; one that stays open would keep the scenario's process.
    await browser.close();
  }
}

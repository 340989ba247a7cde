/** The dashboard in a real browser: Debian's Chromium, driven by playwright-core. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import type { Scenario, Stage } from '../../../scripts/lib/scenario.ts';
import { ROOT } from '../../../scripts/lib/stacks.ts';
import { resetSplit } from '../control.ts';
import { applyPolicy } from '../policy.ts';
import { load } from '../workload.ts';

/** The dashboard, as its neighbours call it. */
const URL = 'http://dashboard:8080/';
const PATIENCE = 60_000;
const WITHIN = { within: PATIENCE, every: 200 };

let browser: Browser | undefined;

export function pageObligations({ must, finally: afterwards }: Scenario): void {
  must(
    'show the mesh as a graph, live, and move a split from the page',
    {
      say: "Debian's Chromium opens the dashboard: who calls whom, how often, how well, with a lock for mTLS; an edge tells its requests, and a slider moves a split.",
      within: 240_000,
    },
    async (stage) => {
      await applyPolicy(stage.project);
      const ended = new AbortController();
      const traffic = customers(stage, ended.signal);
      try {
        await checkPage(stage);
      } finally {
        ended.abort();
        await traffic;
        await resetSplit(stage.project, 'catalogue', 'default');
      }
    },
  );

  afterwards(async () => {
    await browser?.close();
  });
}

/** Customers of the shop, some of whom ask for what is not there, until nobody looks any more. */
async function customers({ project }: Stage, ended: AbortSignal): Promise<void> {
  while (!ended.aborted)
    await Promise.all([
      load(project, 'client', { host: 'front', port: 8080, requests: 60, rate: 20, connections: 4 }),
      load(project, 'client', {
        host: 'front',
        port: 8080,
        path: '/order/mug',
        method: 'POST',
        requests: 15,
        rate: 5,
        connections: 2,
      }),
      load(project, 'client', { host: 'orders', port: 3000, path: '/orders', requests: 6, rate: 2, connections: 1 }),
    ]);
}

async function checkPage(stage: Stage): Promise<void> {
  browser = await chromium.connectOverCDP(`http://127.0.0.1:${stage.port('BROWSER')}`, { timeout: PATIENCE });
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, colorScheme: 'light' });
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  const complaints: string[] = [];
  const asked = new Set<string>();
  page.on('console', (message) => void (message.type() === 'error' && complaints.push(message.text())));
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('request', (request) => asked.add(new globalThis.URL(request.url()).host));

  await page.goto(URL);
  await checkGraph(page);
  await checkRequests(page);
  await checkSplit(page);
  const pictures = await takePictures(page, stage.project.name);
  assert.equal(complaints, [], 'errors in the console, violations of the policy among them');
  assert.equal([...asked], ['dashboard:8080'], 'nothing from elsewhere');
  stage.say(`pictures of it: ${pictures.join(', ')}`);
  await context.close();
}

const edge = (page: Page, from: string, to: string) => page.locator(`.edge[data-edge="${from}>${to}"]`);

async function checkGraph(page: Page): Promise<void> {
  for (const name of ['front', 'catalogue', 'orders', 'stock', 'database', 'client', 'echo'])
    await page.locator(`.service[data-service="${name}"][data-health="good"]`).waitFor();
  for (const [from, to] of [
    ['client', 'front'],
    ['front', 'catalogue'],
    ['front', 'orders'],
    ['orders', 'stock'],
  ] as const) {
    const line = edge(page, from, to);
    await eventually(
      `${from} calls ${to}, by mTLS, and it is seen`,
      async () => {
        const label = (await line.getAttribute('aria-label')) ?? '';
        assert.match(label, /: ([1-9]|0\.[1-9])[\d.]*\/s · [\d.]+ % · [\d.]+ ms, mTLS$/);
        return (await line.locator('.lock').isVisible()) && (await line.getAttribute('data-mtls')) === 'all';
      },
      WITHIN,
    );
  }
}

/** An edge is clicked: its requests are there, and the failures of another with their causes. */
async function checkRequests(page: Page): Promise<void> {
  const rows = page.locator('.requests tbody tr');
  await edge(page, 'front', 'catalogue').click();
  await page.getByRole('heading', { name: 'Requests front → catalogue' }).waitFor();
  await rows.filter({ hasText: 'GET /products' }).filter({ hasText: '200' }).first().waitFor();
  await edge(page, 'client', 'orders').click();
  const refused = rows.filter({ hasText: '403' }).first();
  await refused.waitFor();
  assert.match(await refused.innerText(), /[a-z]+ [a-z]+/, 'the cause, in words');
}

/** The slider is moved, the figures follow: what the page shows comes from what the mesh does. */
async function checkSplit(page: Page): Promise<void> {
  const split = page.locator('.split[data-split="catalogue/default"]');
  assert.match(await split.innerText(), /v1 80 · v2 20/);
  const slider = split.getByRole('slider');
  await slider.focus();
  await page.keyboard.press('End');
  await eventually('the control plane has it', async () => (await split.innerText()).includes('v1 0 · v2 100'), WITHIN);
  await eventually(
    'all goes to the new release',
    async () => {
      const { edges } = (await page.evaluate("fetch('/api/mesh').then((response) => response.json())")) as {
        edges: { from: string; to: string; versions: Record<string, number> }[];
      };
      const { versions } = edges.find(({ from, to }) => from === 'front' && to === 'catalogue')!;
      return (versions['1'] ?? 0) === 0 && (versions['2'] ?? 0) > 1;
    },
    WITHIN,
  );
}

async function takePictures(page: Page, run: string): Promise<string[]> {
  const folder = join('artifacts', 'mesh', run);
  await mkdir(join(ROOT, folder), { recursive: true });
  const pictures: string[] = [];
  const papers: unknown[] = [];
  for (const scheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: scheme });
    papers.push(await page.evaluate('getComputedStyle(document.body).backgroundColor'));
    const path = join(folder, `page-${scheme}.png`);
    await page.screenshot({ path: join(ROOT, path) });
    pictures.push(path);
  }
  assert.is.not(papers[0], papers[1], 'the page follows the colour scheme');
  return pictures;
}

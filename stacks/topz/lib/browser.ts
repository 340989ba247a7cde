/** The page in a real browser: Debian's Chromium in a container, driven by playwright-core. */
import { chromium, type Browser, type Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { takePictures } from '../../../scripts/lib/pictures.ts';
import type { Stage } from '../../../scripts/scenario/scenario.ts';
import { groupOf, type Topz } from './client.ts';

/** The pod, as its neighbours call it. */
const URL = 'http://pod:8080/topz';
const PATIENCE = 20_000;

let browser: Browser | undefined;

export async function closeBrowser(): Promise<void> {
  await browser?.close();
}

/** Everything that a person does on the page, and two pictures of it. */
export async function checkPage(stage: Stage, topz: Topz): Promise<void> {
  browser = await chromium.connectOverCDP(`http://127.0.0.1:${stage.port('BROWSER')}`, { timeout: 30_000 });
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, colorScheme: 'light' });
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  const complaints: string[] = [];
  const asked = new Set<string>();
  page.on('console', (message) => void (message.type() === 'error' && complaints.push(message.text())));
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('request', (request) => asked.add(new globalThis.URL(request.url()).host));

  await page.goto(URL);
  await page.locator('tbody tr[data-pid]').first().waitFor();
  await checkGroups(page, topz);
  await checkSort(page);
  await checkFilter(page);
  await checkTree(page, topz);
  await checkLive(page);
  await checkPlots(page);
  const pictures = await takePictures(page, 'topz', stage.project.name);
  await checkDetail(page, topz);

  assert.equal(complaints, [], 'errors in the console, violations of the policy among them');
  await checkUnknown(page);
  await checkPolicy(page, complaints);
  assert.equal([...asked], ['pod:8080'], 'nothing from elsewhere');
  stage.say(`pictures of it: ${pictures.join(', ')}`);
  await context.close();
}

/** A script that was smuggled in would not run: the browser itself says so. */
async function checkPolicy(page: Page, complaints: readonly string[]): Promise<void> {
  const ran = await page.evaluate(`(() => {
    const script = document.createElement('script');
    script.textContent = 'window.smuggled = true';
    document.body.append(script);
    const image = document.createElement('div');
    image.innerHTML = '<img src="/nothing" onerror="window.smuggled = true">';
    return window.smuggled === true;
  })()`);
  assert.is(ran, false, 'inline scripts are refused');
  await eventually('the browser says so', () => complaints.some((text) => text.includes('Content Security Policy')));
}

const column = (page: Page, key: string): Promise<string[]> =>
  page.evaluate(`(() => {
    const index = [...document.querySelectorAll('thead th')].findIndex((each) => each.dataset.key === '${key}');
    return [...document.querySelectorAll('tbody tr[data-pid]')].map((row) => row.children[index].textContent);
  })()`);

async function checkGroups(page: Page, topz: Topz): Promise<void> {
  const { id } = groupOf(await topz.overview(), 'apache2');
  assert.match(await page.locator(`tbody[data-container="${id}"] tr.group`).innerText(), /^apache2 · /);
  const card = page.locator(`article[data-container="${id}"]`);
  assert.match(await card.innerText(), /apache2[\s\S]+processes · /);
  const all = (await column(page, 'pid')).length;
  await card.getByRole('button').click();
  await eventually('only its processes are shown', async () => {
    const commands = await column(page, 'command');
    return commands.length < all && commands.every((command) => command.includes('apache2'));
  });
  await card.getByRole('button').click();
  await page.getByLabel('By container').uncheck();
  assert.is(await page.locator('tr.group').count(), 0);
}

async function checkSort(page: Page): Promise<void> {
  const heading = page.locator('th[data-key="pid"]');
  await heading.getByRole('button').click();
  assert.is(await heading.getAttribute('aria-sort'), 'ascending');
  const up = (await column(page, 'pid')).map(Number);
  assert.equal(
    up,
    up.toSorted((a, b) => a - b),
  );
  await heading.getByRole('button').click();
  assert.is(await heading.getAttribute('aria-sort'), 'descending');
  const down = (await column(page, 'pid')).map(Number);
  assert.equal(
    down,
    down.toSorted((a, b) => b - a),
  );
}

async function checkFilter(page: Page): Promise<void> {
  await page.getByLabel('Filter').fill('WEBSTATS perl');
  const commands = await column(page, 'command');
  assert.is(commands.length, 1, commands.join(', '));
  assert.match(commands[0]!, /--db-password=\*\*\*/);
  assert.match(page.url(), /filter=/, 'the address can be passed on');
  await page.getByLabel('Filter').fill('no such process');
  assert.ok(await page.getByText('No process matches.').isVisible());
  await page.getByLabel('Filter').fill('');
}

async function checkTree(page: Page, topz: Topz): Promise<void> {
  await page.getByLabel('Tree').check();
  const { processes } = await topz.overview();
  const master = processes.find(({ command, ppid }) => command === 'apache2 -DFOREGROUND' && ppid === 0)!;
  const rows = await page.locator('tbody tr[data-pid]').allInnerTexts();
  const at = rows.findIndex((row) => row.startsWith(`${master.pid}\t`));
  assert.ok(at >= 0, rows.join('\n'));
  assert.match(rows[at + 1]!, new RegExp(`^\\d+\\t${master.pid}\\t.*└─ apache2`, 's'), 'a child under its parent');
  await page.getByLabel('Tree').uncheck();
}

/** Without a reload: the same document, the same row, another figure. */
async function checkLive(page: Page): Promise<void> {
  await page.evaluate('window.same = true');
  const row = page.locator('tr[data-pid]', { hasText: 'webstats' });
  const elapsed = row.locator('td').nth(10);
  const before = await elapsed.innerText();
  await eventually('the page has brought itself up to date', async () => (await elapsed.innerText()) !== before);
  assert.is(await page.evaluate('window.same'), true);
  assert.is(await page.locator('.live').getAttribute('data-state'), 'live');
  await page.getByRole('button', { name: 'Pause', exact: true }).click();
  assert.is(await page.locator('.live').getAttribute('data-state'), 'paused');
  await page.getByRole('button', { name: 'Go on' }).click();
}

async function checkPlots(page: Page): Promise<void> {
  await page.getByLabel('By container').check();
  const plot = page.locator('article', { hasText: 'webstats' }).locator('.plot.cpu svg');
  assert.match(
    (await plot.getAttribute('aria-label'))!,
    /^CPU over the last \d+ (s|min): now [\d.]+ %, at most [\d.]+ %$/,
  );
  await eventually('a line is drawn', async () => {
    const path = await plot.locator('.line').getAttribute('d');
    return (path?.split('L').length ?? 0) > 5;
  });
  const box = (await plot.boundingBox())!;
  assert.ok(box.width > 80 && box.height > 20, 'it can be seen');
}

async function checkDetail(page: Page, topz: Topz): Promise<void> {
  const { processes } = await topz.overview();
  const { pid } = processes.find(({ name }) => name === 'webstats')!;
  await page.locator(`tr[data-pid="${pid}"] a`).click();
  await page.getByText('open files, files').waitFor();
  assert.is(await page.getByRole('heading', { level: 1 }).innerText(), `webstats · ${pid}`);
  assert.is(await page.getByText('lacks CAP_SYS_PTRACE').count(), 3, 'name, sockets and namespaces');
}

async function checkUnknown(page: Page): Promise<void> {
  const answer = await page.goto(`${URL}?pid=4194000`);
  assert.is(answer!.status(), 404);
  assert.match(await page.locator('.problem').innerText(), /there is no process 4194000/);
}

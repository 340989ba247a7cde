/** The page in a real browser, with a real engine: a learner's walk through exercises 1 to 3, faults, the engine's absence. */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Browser, Page } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { docker } from '../../scripts/lib/engine.ts';
import { STACK_LABEL } from '../../scripts/lib/labels.ts';
import { ROOT } from '../../scripts/lib/stacks.ts';
import { findEndpoint, socketPath } from '../../scripts/lib/endpoint.ts';
import { quiz } from '../course/quiz.ts';
import { findPlace } from '../lessons/exercise.ts';
import { isComplaint, startBrowser, visit } from './test-browser.ts';
import { Relay } from './test-relay.ts';

const name = `page-${randomBytes(3).toString('hex')}`;
const workspace = join(ROOT, 'artifacts', name);
const flood = `${name}-flood`;
const DEBIAN = process.env['DEBIAN_BASE'] ?? 'sidecar-stacks/debian:trixie';
const pictures = join(ROOT, 'artifacts/workshop');
const MINUTES = 240_000;
const WAIT = { within: MINUTES, every: 100 };

let browser: Browser;
let page: Page;
let server: Started;
let relay: Relay;
const complaints: string[] = [];

interface Started {
  readonly child: ChildProcess;
  readonly address: string;
}

async function startServer(): Promise<Started> {
  const child = spawn(process.execPath, [join(ROOT, 'scripts/workshop.ts')], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, WORKSHOP_DIR: workspace, DOCKER_HOST: `unix://${relay.path}` },
  });
  let said = '';
  child.stdout.on('data', (piece: Buffer) => (said += piece.toString()));
  const address = await eventually('the server prints its address', () => /http:\S+/.exec(said)?.[0], WAIT);
  return { child, address };
}

const button = (label: string) => page.getByRole('button', { name: label, exact: true });
const card = (project: string, service: string) =>
  page.locator(`[data-project="${project}"] .container[data-service="${service}"]`);
const project = (number: string): string => `${name}-${number}`;

async function open(number: string): Promise<void> {
  await page.getByRole('button', { name: new RegExp(`^(✓ )?${number} · `) }).click();
  await page.locator('[aria-current="true"]', { hasText: `${number} · ` }).waitFor();
}

/** As an editor saves it. */
function edit(number: string, file: string): void {
  const place = findPlace(number);
  copyFileSync(join(place.dir, 'solution', file), join(workspace, place.name, file));
}

async function finish(number: string): Promise<void> {
  await page.locator('.recap h2').waitFor();
  await page.getByRole('button', { name: `✓ ${number} · ` }).waitFor();
}

test.before(async () => {
  const real = socketPath((await findEndpoint()).host);
  assert.ok(real, 'this test needs an engine on a unix socket');
  relay = new Relay(real);
  await relay.start();
  mkdirSync(pictures, { recursive: true });
  server = await startServer();
  browser = await startBrowser(name);
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, colorScheme: 'light' });
  context.setDefaultTimeout(MINUTES);
  page = await context.newPage();
  page.on('console', (message) => void (isComplaint(message) && complaints.push(message.text())));
  page.on('pageerror', (error) => complaints.push(error.message));
});

test.after(async () => {
  await browser?.close();
  await docker(['rm', '--force', name, flood]).catch(() => {});
  server?.child.kill('SIGTERM');
  for (const number of ['02', '03']) {
    const dir = join(workspace, findPlace(number).name);
    if (existsSync(dir))
      await docker(['compose', '-p', project(number), 'down', '--volumes', '--timeout', '1'], {
        cwd: dir,
        timeoutMs: 120_000,
      }).catch(() => {});
  }
  await relay?.stop();
  rmSync(workspace, { recursive: true, force: true });
});

test('the page is small, and says what there is to do', async () => {
  const dist = join(ROOT, 'workshop/dist');
  const bytes = ['page.js', 'page.css'].reduce((sum, file) => sum + gzipSync(readFileSync(join(dist, file))).length, 0);
  assert.ok(bytes <= 60_000, `${bytes} bytes`);
  await visit(page, server.address);
  assert.not.match(page.url(), /token/);
  await page.locator('.exercises button').nth(11).waitFor();
});

test('exercise 1: the first check turns green by itself, then all', async () => {
  await open('1');
  await button('Begin').click();
  await page.getByText('0 of 3 are right').first().waitFor();
  await button('Hint').click();
  await page.locator('.hints li').first().waitFor();
  edit('1', 'answer.yaml');
  await finish('1');
});

test('the quiz says why, ticks its goal off, and is on the certificate; at 390 pixels, too', async () => {
  const { options, id } = quiz()[0]!;
  const choose = (right: boolean) =>
    page
      .locator('.options button')
      .nth(options.findIndex((each) => each.right === right))
      .click();
  await button('Goals and quiz').click();
  await choose(false);
  await page.locator('.why[data-state="unmet"]').waitFor();
  await choose(true);
  await page.locator('.why[data-state="met"]').waitFor();
  await page.locator('.goals li').first().getByText('1 of 8 questions').waitFor();
  await button('Next question').click();
  await page.getByText(`Question 2 of ${quiz().length}`).waitFor();
  await page.setViewportSize({ width: 390, height: 800 });
  const width = await page.evaluate<number>('document.documentElement.scrollWidth');
  assert.ok(width <= 390, `${width} pixels wide`);
  await page.screenshot({ path: join(pictures, 'quiz-390.png') });
  await page.setViewportSize({ width: 1280, height: 800 });
  assert.ok(readFileSync(join(workspace, 'quiz.json'), 'utf8').includes(id));
  const { origin } = new URL(page.url());
  await visit(page, `${origin}/?certificate`);
  await page.getByText('1 of 8 questions').waitFor();
  await page.getByText('1 · Identify the sidecar').waitFor();
  await page.screenshot({ path: join(pictures, 'certificate.png') });
  await visit(page, origin);
  await page.locator('.exercises button').nth(11).waitFor();
});

test('exercise 2: a pod as a box, its log, and HTTPS after the edit', async () => {
  await open('2');
  await button('Begin').click();
  await page.locator('.checks [data-state="unmet"]').first().waitFor();
  await card(project('02'), 'tls').waitFor();
  edit('2', 'compose.yaml');
  await finish('2');
  const box = page.locator(`[data-project="${project('02')}"] .pod[data-shared~="net"]`);
  // The containers are new since the edit: the page learns of them one by one.
  await eventually('the pod is one box of three', async () => {
    const services = await box
      .locator('.container')
      .evaluateAll((all) => all.map((each) => (each as unknown as { dataset: { service: string } }).dataset.service));
    return services.toSorted().join() === 'guestbook,pod,tls';
  });
  // Of this project alone: other stacks on this machine are shown as well.
  const own = page.locator(`[data-project="${project('02')}"]`);
  const lines = own.locator('.lines g');
  const list = own.getByText(/tls → guestbook PROXY_PORT=8080/);
  await lines.first().waitFor();
  await list.waitFor({ state: 'hidden' });
  await page.setViewportSize({ width: 390, height: 800 });
  await eventually('on a narrow page the list says it', async () => (await lines.count()) === 0, WAIT);
  await list.waitFor();
  await page.setViewportSize({ width: 1280, height: 800 });
  await lines.first().waitFor();
  await page.locator(`[data-project="${project('02')}"]`).screenshot({ path: join(pictures, 'arrows-1280.png') });
  assert.not(await page.locator('.log pre').isVisible(), 'no log before one was asked for');
  await card(project('02'), 'tls').locator('.name').click();
  await page.locator('.log pre', { hasText: '{"' }).waitFor();
  const [label] = await card(project('02'), 'pod').locator('header small').all();
  assert.is((await label!.boundingBox())!.height < 24, true, 'a label stays on one line');
  await card(project('02'), 'tls').getByText(/MiB/).waitFor();
});

test('10,000 lines a second do not freeze the page', async () => {
  const labels = ['project', 'service', 'config-hash'].flatMap((each) => [
    '--label',
    `com.docker.compose.${each}=${flood}`,
  ]);
  const lines =
    'for ((second = 0; second < 60; second++)); do seq --format "line %.0f of this second" 10000; sleep 1; done';
  await docker([
    'run',
    '--detach',
    '--rm',
    '--name',
    flood,
    '--label',
    `${STACK_LABEL}=workshop`,
    ...labels,
    DEBIAN,
    'bash',
    '-c',
    lines,
  ]);
  await card(flood, flood).locator('.name').click();
  await page.getByText(/\d+ lines came too fast to be shown/).waitFor();
  // It goes on drawing, and answers to the learner.
  await page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))');
  await open('4');
  await open('2');
  assert.ok((await page.locator('.log pre').innerText()).split('\n').length <= 501);
  await docker(['rm', '--force', flood]);
});

test('a fault shows, and undoes itself', async () => {
  const guestbook = card(project('02'), 'guestbook');
  await guestbook.getByRole('button', { name: 'pause' }).click();
  await guestbook.locator('.state', { hasText: 'paused' }).waitFor();
  await guestbook.getByText(/fault: pause/).waitFor();
  await guestbook.locator('.state', { hasText: 'running' }).waitFor();
});

test('a network that is cut is there again, with the port that it had', async () => {
  const pod = card(project('02'), 'pod');
  const port = await pod.locator('.port').innerText();
  await pod.getByRole('button', { name: 'cut network' }).click();
  await page
    .getByText(/is not trusted|did not answer|breaks off|cannot be reached|silent/)
    .first()
    .waitFor();
  await page.locator('.recap h2').waitFor();
  assert.is(await pod.locator('.port').innerText(), port);
});

test('exercise 3: stranded is seen, then a pod', async () => {
  await open('3');
  await button('Begin').click();
  // The checks crash nothing before the learner has changed something: that is the lesson's second step.
  await page.locator('.checks [data-state="met"]').first().waitFor();
  await page.getByText('it is tried after your first change').first().waitFor();
  await card(project('03'), 'reports').getByRole('button', { name: 'kill' }).click();
  await card(project('03'), 'tls')
    .getByText(/stranded: it is left in/)
    .waitFor();
  await page.screenshot({ path: join(pictures, 'stranded-1280.png') });
  edit('3', 'compose.yaml');
  await finish('3');
  const stranded = page.locator(`[data-project="${project('03')}"]`).getByText(/^stranded/);
  await eventually('nobody is stranded', async () => (await stranded.count()) === 0, WAIT);
});

test('the keyboard alone reaches every button, and sees where it is', async () => {
  await page.locator('.exercises button').first().focus();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.locator('[aria-current="true"]', { hasText: '2 · ' }).waitFor();
  const outline = await page.evaluate('getComputedStyle(document.activeElement).outlineStyle');
  assert.is.not(outline, 'none');
});

/** A picture of a part of the page, once two in a row are the same: a new size or colour is drawn in steps. */
async function still(part: string): Promise<Buffer> {
  let before = await page.locator(part).screenshot();
  return await eventually(
    `${part} is drawn`,
    async () => {
      const now = await page.locator(part).screenshot();
      const same = now.equals(before);
      before = now;
      return same && now;
    },
    { within: 60_000 },
  );
}

for (const [width, height] of [
  [1280, 800],
  [1920, 1080],
] as const)
  test(`${width}×${height}: nothing is cut off, light and dark; what has not changed looks the same`, async () => {
    await page.setViewportSize({ width, height });
    const seen: Buffer[] = [];
    for (const colorScheme of ['light', 'dark', 'light'] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await page.mouse.move(0, 0);
      seen.push(await still('.exercises'));
      await page.screenshot({ path: join(pictures, `page-${width}-${colorScheme}.png`) });
    }
    assert.not.ok(seen[0]!.equals(seen[1]!), 'dark looks otherwise');
    assert.ok(seen[0]!.equals(seen[2]!), 'light looks as it did');
    const overflow =
      'document.documentElement.scrollWidth > innerWidth || document.documentElement.scrollHeight > innerHeight';
    assert.is(await page.evaluate(overflow), false);
    const out = `[...document.querySelectorAll('nav, main, .pods')].filter((each) => each.scrollWidth > each.clientWidth + 1).map((each) => each.className || each.tagName)`;
    assert.equal(await page.evaluate(out), []);
  });

test('the slides are shown by the browser, and turned by keys', async () => {
  const other = await page.context().newPage();
  await visit(other, `${new URL(server.address).origin}/?slides`);
  await other.getByRole('heading', { level: 1 }).waitFor();
  await other.keyboard.press('ArrowRight');
  await other.getByText(/^2 of \d+/).waitFor();
  await other.close();
});

test('the engine goes: the page says so; it comes back: so does the page', async () => {
  assert.equal(complaints, [], 'errors in the console, violations of the policy among them');
  await relay.stop();
  await page.getByText('The container engine does not answer').waitFor();
  await relay.start();
  await card(project('02'), 'tls').waitFor();
});

test('a fault undoes itself also when the server is killed', async () => {
  const id = await docker(['compose', '-p', project('02'), 'ps', '--quiet', 'guestbook'], {
    cwd: join(workspace, '02-https'),
  });
  const status = () => docker(['inspect', '--format', '{{.State.Status}}', id], { timeoutMs: 30_000 });
  await card(project('02'), 'guestbook').getByRole('button', { name: 'pause' }).click();
  await eventually('it is paused', async () => (await status()) === 'paused', WAIT);
  server.child.kill('SIGKILL');
  await eventually('it goes on', async () => (await status()) === 'running', WAIT);
  await page.getByText('the server does not answer; trying again').waitFor();
});

test.run();

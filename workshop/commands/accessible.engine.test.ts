/** Every view of the page under axe, light and dark, narrow and wide, and by the keyboard alone; the engine runs the browser. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { docker } from '../../scripts/lib/engine.ts';
import { ROOT } from '../../scripts/lib/stacks.ts';
import { bundle } from '../../scripts/setup/bundles/bundle.ts';
import type { GoalStanding } from '../course/standing.ts';
import { places } from '../lessons/exercise.ts';
import { Workspace } from '../lessons/workspace.ts';
import { Admission } from '../server/admission.ts';
import { Cluster } from '../server/cluster.ts';
import type { ContainerDocument, PodsDocument } from '../server/document.ts';
import { Events } from '../server/events.ts';
import { Lessons } from '../server/lessons.ts';
import { serve } from '../server/server.ts';
import { buildSite } from './site.ts';
import { startBrowser, visit } from './test-browser.ts';

const MINUTES = 240_000;
const name = `accessible-${randomBytes(3).toString('hex')}`;
const over = new AbortController();
const events = new Events();
const admission = new Admission();
let browser: Browser;
let page: Page;

const container: ContainerDocument = {
  id: 'a',
  service: 'guestbook',
  role: 'app',
  state: 'running',
  exitCode: null,
  health: 'healthy',
  restarts: 1,
  ports: ['127.0.0.1:8443 → 8443'],
  stranded: null,
  faults: [
    { kind: 'kill', unless: null },
    { kind: 'cut', unless: null },
  ],
  fault: null,
};
/** One of each: a sidecar that is well, one that is stranded, a container that has ended, volumes, arrows, other projects. */
const PODS: PodsDocument = {
  engine: { state: 'up', advice: [] },
  projects: [
    {
      name: 'shop',
      pods: [
        {
          id: 'one',
          shared: ['net', 'pid'],
          containers: [
            container,
            {
              ...container,
              id: 'b',
              service: 'tls',
              role: 'sidecar',
              stranded: { owner: 'guestbook', left: 'net:[1]', now: 'net:[2]' },
            },
            { ...container, id: 'c', service: 'setup', role: 'init', state: 'exited', exitCode: 1, health: null },
          ],
          volumes: [{ name: 'shop_certificates', mounted: ['guestbook', 'tls'] }],
        },
      ],
      arrows: [{ from: 'tls', to: 'guestbook', by: 'PROXY_PORT=8080' }],
    },
  ],
  others: ['blog'],
};
const AWAY: PodsDocument = {
  engine: { state: 'away', advice: ['Start it:', '    systemctl start docker'] },
  projects: [],
  others: [],
};

/** What axe finds, a line each: rule, where, why. Best practices are asked for, too. */
async function violations(): Promise<string[]> {
  if ((await page.evaluate('typeof axe')) === 'undefined') await page.evaluate(axe.source);
  const { violations: found } = (await page.evaluate('axe.run()')) as axe.AxeResults;
  return found.flatMap(({ id, help, nodes }) =>
    nodes.map(({ target, any }) => `${id}: ${target.join(' ')}: ${any[0]?.message ?? help}`),
  );
}

/** Which of these parts of the page are wider than what is seen of them. */
const cutOff = (parts: string): Promise<string[]> =>
  page.evaluate(
    `[...document.querySelectorAll('${parts}')].filter((each) => each.scrollWidth > each.clientWidth + 1).map((each) => each.innerText.slice(0, 80))`,
  );

/** What the certificate's link for the teacher saves. */
async function saved(): Promise<{ name: string; goals: GoalStanding[] }> {
  const link = page.locator('a[download]');
  // A browser that is driven from outside keeps no file: the click is let through, the download is not.
  await link.evaluate((each) =>
    (each as unknown as EventTarget).addEventListener('click', (event) => event.preventDefault()),
  );
  await link.click();
  const href = (await link.getAttribute('href'))!;
  return JSON.parse(decodeURIComponent(href.slice(href.indexOf(',') + 1))) as { name: string; goals: GoalStanding[] };
}

const button = (label: RegExp) => page.getByRole('button', { name: label });
const VIEWS: Readonly<Record<string, () => Promise<void>>> = {
  'a lesson and pods': async () => {
    await visit(page, `${admission.origin}/`);
    events.tell('pods', PODS);
    await button(/1 · /).first().click();
    await button(/^(Begin|Bring up)$/).click();
    await page.getByText('are right').first().waitFor();
    await button(/^guestbook$/).click();
    await page.getByRole('heading', { name: 'Log of guestbook' }).waitFor();
  },
  'goals and quiz': async () => {
    await visit(page, `${admission.origin}/`);
    await button(/^Goals and quiz$/).click();
    await page.locator('.options button').first().click();
    await page.locator('.why').waitFor();
  },
  'the simulator': async () => {
    await visit(page, `${admission.origin}/`);
    await button(/^Simulator$/).click();
    await button(/^wired to the app$/).click();
    await button(/^up$/).click();
    await page.getByText('A visitor gets the page.').waitFor();
    await page.locator('#simulator-crash-reports').click();
    await page.getByText(/^stranded: it is left in network \d+; reports now lives in network \d+$/).waitFor();
  },
  'no engine': async () => {
    await visit(page, `${admission.origin}/`);
    events.tell('pods', AWAY);
    await page.getByText('systemctl start docker').waitFor();
  },
  'the certificate': async () => {
    await visit(page, `${admission.origin}/?certificate`);
    await button(/^Print$/).waitFor();
  },
  'the slides': async () => {
    await visit(page, `${admission.origin}/?slides`);
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page.keyboard.press('n');
    await page.locator('.notes p').waitFor();
  },
};

test.before(async () => {
  await bundle();
  const asset = (file: string): string => readFileSync(join(ROOT, 'workshop', file), 'utf8');
  const lessons = new Lessons(
    new Workspace(temporaryDirectory('workshop'), name),
    (kind, data) => events.tell(kind, data),
    over.signal,
  );
  const server = await serve({
    port: 0,
    admission,
    cluster: new Cluster({ changed: () => {} }),
    events,
    lessons,
    assets: { script: asset('dist/page.js'), style: asset('dist/page.css') },
  });
  over.signal.addEventListener('abort', () => {
    events.close();
    server.closeAllConnections();
    server.close();
  });
  void lessons.run();
  browser = await startBrowser(name);
  const context = await browser.newContext({ reducedMotion: 'reduce' });
  context.setDefaultTimeout(MINUTES);
  page = await context.newPage();
  await visit(page, admission.address);
});

test.after(async () => {
  over.abort();
  await browser?.close();
  await docker(['rm', '--force', name]).catch(() => {});
});

for (const [view, show] of Object.entries(VIEWS))
  test(`axe finds nothing in ${view}: light and dark, 390 pixels and 1280`, async () => {
    for (const width of [390, 1280]) {
      await page.setViewportSize({ width, height: 800 });
      await show();
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        assert.equal(await violations(), [], `${width} pixels, ${colorScheme}`);
      }
    }
  });

test('slides turn by buttons; axe finds nothing in any of them', async () => {
  await page.setViewportSize({ width: 390, height: 800 });
  await visit(page, `${admission.origin}/?slides`);
  const next = page.getByRole('button', { name: 'Next slide' });
  for (let at = 1; ; at++) {
    await page.getByText(`${at} of `, { exact: false }).first().waitFor();
    await page.getByRole('heading', { level: 1 }).waitFor();
    assert.equal(await violations(), [], `slide ${at}`);
    assert.equal(await cutOff('document.documentElement, .slide > :not(pre)'), [], `slide ${at}`);
    if (await next.isDisabled()) break;
    await next.click();
  }
  await page.getByRole('button', { name: 'Previous slide' }).click();
  await page.locator('.slide').getByText('Exercise 19').waitFor();
  await page.getByRole('link', { name: 'back to the workshop' }).click();
  await page.locator('.exercises button').first().waitFor();
});

test('a lesson begins with its minutes and goals, and no command scrolls sideways', async () => {
  for (const width of [390, 1280]) {
    await page.setViewportSize({ width, height: 800 });
    await visit(page, `${admission.origin}/`);
    for (const { name, number, lesson } of places()) {
      await page
        .locator('.exercises button')
        .nth(Number(number) - 1)
        .click();
      await page.getByText(`${lesson.minutes} minutes · for: ${lesson.goals.join(', ')}`, { exact: true }).waitFor();
      await page.getByRole('heading', { level: 2, name: `${Number(number)} · ` }).waitFor();
      assert.equal(await cutOff('.lesson pre'), [], `${name}, ${width} pixels`);
    }
  }
});

test('the pods of the open exercise come first', async () => {
  const [shop] = PODS.projects;
  const second = `${name}-02`;
  const projects = ['a-first', second, 'z-last'].map((each) => ({ ...shop!, name: each }));
  const order = (): Promise<string[]> => page.locator('.project h2').allInnerTexts();
  await visit(page, `${admission.origin}/`);
  events.tell('pods', { ...PODS, projects });
  await page.locator('.project').nth(2).waitFor();
  for (const [number, first] of [
    ['2', second],
    ['3', 'a-first'],
  ]) {
    await button(new RegExp(`^${number} · `)).click();
    await eventually(`${first} is first`, async () => (await order())[0] === first, { within: MINUTES, every: 50 });
  }
  assert.equal(await order(), ['a-first', second, 'z-last']);
});

test('who talks to whom, and by which variable: a key opens the list, and it stays open', async () => {
  await page.setViewportSize({ width: 1280, height: 800 });
  await visit(page, `${admission.origin}/`);
  events.tell('pods', PODS);
  await page.locator('.lines g').first().waitFor();
  const variable = page.locator('.arrows small', { hasText: 'PROXY_PORT=8080' });
  const isReached = () => page.evaluate<boolean>(`document.activeElement.matches('.arrows summary')`);
  assert.not(await variable.isVisible(), 'the lines say it');
  for (let at = 0; !(await isReached()); at++) {
    assert.ok(at < 100, 'no key reaches the list');
    await page.keyboard.press('Tab');
  }
  await page.keyboard.press('Enter');
  await variable.waitFor();
  assert.equal(await violations(), []);
  const [shop] = PODS.projects;
  const [pod] = shop!.pods;
  events.tell('pods', {
    ...PODS,
    projects: [{ ...shop!, pods: [{ ...pod!, containers: pod!.containers.slice(0, 2) }] }],
  });
  await page.locator('[data-service="setup"]').waitFor({ state: 'detached' });
  assert.ok(await variable.isVisible(), 'it stays open when something happens');
  assert.ok(await isReached(), 'and the key stays there');
});

test('another language is chosen: page, lesson, checks and quiz are in it, and axe finds nothing', async () => {
  const choose = async (code: string): Promise<void> => {
    await visit(page, `${admission.origin}/`);
    await page.locator('select.language').selectOption(code);
    await page.locator(`html[lang=${code}]`).waitFor();
  };
  await choose('de');
  await button(/^1 · Das Sidecar erkennen$/).click();
  await page.getByRole('heading', { name: 'Schritte' }).waitFor();
  await page.getByText('muss benennen, was jeder Service von shop ist').waitFor();
  await page.getByText('0 von 3 stimmen: wer teilt mit wem einen Netzwerk-Namespace').waitFor();
  await button(/^Ziele und Quiz$/).click();
  await page.getByText('Was macht einen Container zum Sidecar eines anderen?').waitFor();
  assert.equal(await violations(), []);
  events.tell('pods', PODS);
  await page.getByText('läuft · gesund · 1 Neustart').first().waitFor();
  await page.getByRole('link', { name: 'Folien' }).click();
  await page.getByRole('heading', { level: 1, name: 'Sidecars, von Hand' }).waitFor();
  await button(/^Nächste Folie$/).click();
  await page.getByText('Was du danach kannst').waitFor();
  await page.getByRole('link', { name: 'zurück zum Workshop' }).click();
  await page.getByRole('link', { name: 'Zertifikat' }).click();
  await button(/^Drucken$/).waitFor();
  await choose('es');
  await button(/^1 · Reconocer el sidecar$/).waitFor();
  await page.getByRole('link', { name: 'certificado' }).click();
  await button(/^Imprimir$/).waitFor();
  await visit(page, `${admission.origin}/?slides`);
  await page.getByRole('heading', { level: 1, name: 'Sidecars, a mano' }).waitFor();
  await choose('en');
  await button(/^1 · Identify the sidecar$/).waitFor();
});

test('the page without a server: lessons, hints, quiz and simulator load nothing from elsewhere', async () => {
  const folder = temporaryDirectory('site');
  await buildSite(folder, () => {});
  const asked: string[] = [];
  const plain = createServer((request, response) => {
    const path = new URL(request.url!, 'http://page').pathname;
    asked.push(path);
    response.setHeader(
      'content-type',
      path.endsWith('.css') ? 'text/css' : path.endsWith('.js') ? 'text/javascript' : 'text/html',
    );
    response.end(readFileSync(join(folder, path === '/' ? 'index.html' : path)));
  });
  plain.listen(0, '127.0.0.1');
  await once(plain, 'listening');
  const { port } = plain.address() as AddressInfo;
  try {
    await visit(page, `http://127.0.0.1:${port}/`);
    await button(/^2 · /).click();
    await button(/^Hint$/).click();
    await page.getByText("The sidecar's log names the certificates").waitFor();
    await button(/^I have done it$/).click();
    await page.getByRole('heading', { name: 'Recap' }).waitFor();
    await button(/^Goals and quiz$/).click();
    await page
      .getByText(/^1 of \d+ exercises/)
      .first()
      .waitFor();
    await page.locator('.options button').first().click();
    await page.locator('.why').waitFor();
    assert.equal(await violations(), []);
    await button(/^Simulator$/).click();
    await button(/^up$/).click();
    await page.getByText('A visitor gets the page.').waitFor();
    await page.locator('select.language').selectOption('de');
    await button(/^✓ 2 · HTTPS für eine alte Anwendung$/).waitFor();
    await page.getByRole('link', { name: 'Folien' }).click();
    await page.getByRole('heading', { level: 1, name: 'Sidecars, von Hand' }).waitFor();
    await page.getByRole('link', { name: 'zurück zum Workshop' }).click();
    await page.getByRole('link', { name: 'Zertifikat' }).click();
    await page.getByRole('textbox').fill('Ada');
    const { name: learner, goals } = await saved();
    assert.is(learner, 'Ada');
    assert.ok(goals[2]!.exercises.find(({ number }) => number === '02')!.done);
    assert.equal([...new Set(asked)].toSorted(), ['/', '/de.html', '/page.css', '/page.js']);
  } finally {
    plain.closeAllConnections();
    plain.close();
  }
});

test('the Tab key reaches every control of a lesson in turn, and each shows its focus', async () => {
  await VIEWS['a lesson and pods']!();
  const all = `[...document.querySelectorAll('a[href], button:enabled, input, [tabindex="0"]')].filter((each) => each.checkVisibility())`;
  const names = (await page.evaluate(`${all}.map((each, index) => each.dataset.tab = String(index))`)) as string[];
  const reached = new Set<string>();
  await page.evaluate('document.activeElement.blur()');
  for (let press = 0; press < names.length * 2; press++) {
    await page.keyboard.press('Tab');
    const at = (await page.evaluate(
      '[document.activeElement.dataset.tab, getComputedStyle(document.activeElement).outlineStyle]',
    )) as [string | undefined, string];
    if (at[0] === undefined) continue;
    assert.is.not(at[1], 'none', `control ${at[0]}`);
    reached.add(at[0]);
  }
  assert.equal(
    names.filter((each) => !reached.has(each)),
    [],
  );
});

test.run();

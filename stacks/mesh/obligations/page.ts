/** The dashboard in a real browser: Debian's Chromium, driven by playwright-core. */
import { chromium, type Browser, type Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import type { Driver } from '../../../scripts/lib/driver.ts';
import type { Scenario, Stage } from '../../../scripts/scenario/scenario.ts';
import { takePictures } from '../../../scripts/lib/pictures.ts';
import { graphOf, resetSplit } from '../lib/control.ts';
import { applyPolicy, unchanged, type Change } from '../lib/policy.ts';
import { ours } from '../lib/proxies.ts';
import { load, loadWhile } from '../lib/workload.ts';

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
      ...ours('the page reads the counts and the last requests of our proxies'),
    },
    async (stage) => {
      const { project } = stage;
      await applyPolicy(project, { catalogue: unchanged });
      try {
        await withCustomers(project, () => withPage(stage.port('BROWSER'), (page) => checkPage(page, stage)));
      } finally {
        await resetSplit(project, 'catalogue', 'default');
      }
    },
  );

  must(
    'move a split of three from the page',
    {
      say: 'A route of three subsets has a number for each on the page. They are changed, and all requests go to the third.',
      within: 240_000,
      ...ours('the page reads the counts and the last requests of our proxies'),
    },
    async ({ project, port }) => {
      await applyPolicy(project, { catalogue: splitInThree });
      try {
        await withPage(port('BROWSER'), (page) => checkSplitOfThree(page, project));
      } finally {
        await resetSplit(project, 'catalogue', 'default');
        await applyPolicy(project, { catalogue: unchanged });
      }
    },
  );

  afterwards(async () => {
    await browser?.close();
  });
}

const splitInThree: Change = (catalogue) =>
  Object.assign(catalogue, {
    subsets: { v1: { version: '1' }, v2: { version: '2' }, again: { version: '2' } },
    routes: [
      {
        name: 'default',
        to: [
          { subset: 'v1', weight: 60 },
          { subset: 'v2', weight: 30 },
          { subset: 'again', weight: 10 },
        ],
      },
    ],
  });

/** A page of a browser context of its own. */
async function withPage(port: number, work: (page: Page) => Promise<void>): Promise<void> {
  browser ??= await chromium.connectOverCDP(`http://127.0.0.1:${port}`, { timeout: PATIENCE });
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, colorScheme: 'light' });
  context.setDefaultTimeout(PATIENCE);
  try {
    await work(await context.newPage());
  } finally {
    await context.close();
  }
}

/** Customers look and order meanwhile, and one asks for what is not for it. */
async function withCustomers(project: Driver, work: () => Promise<void>): Promise<void> {
  const front = { host: 'front', port: 8080, connections: 2 } as const;
  const visits = [
    { ...front, rate: 8 },
    { ...front, path: '/order/mug', method: 'POST', rate: 2 },
    { host: 'orders', port: 3000, path: '/orders', rate: 2, connections: 1 },
  ];
  const all = visits.reduce(
    (inner, visit) => () => loadWhile(project, 'client', visit, inner),
    work as () => Promise<unknown>,
  );
  await all();
}

async function checkPage(page: Page, stage: Stage): Promise<void> {
  const complaints: string[] = [];
  const asked = new Set<string>();
  page.on('console', (message) => void (message.type() === 'error' && complaints.push(message.text())));
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('request', (request) => asked.add(new globalThis.URL(request.url()).host));

  await page.goto(URL);
  await checkGraph(page);
  await checkRoom(page);
  await checkRequests(page);
  await checkSplit(page, stage.project);
  const pictures = await takePictures(page, 'mesh', stage.project.name);
  assert.equal(complaints, [], 'errors in the console, violations of the policy among them');
  assert.equal([...asked], ['dashboard:8080'], 'nothing from elsewhere');
  stage.say(`pictures of it: ${pictures.join(', ')}`);
}

const edge = (page: Page, from: string, to: string) => page.locator(`.edge[data-edge="${from}>${to}"]`);
const lock = (page: Page, from: string, to: string) => page.locator(`.label[data-edge="${from}>${to}"] .lock`);

async function checkGraph(page: Page): Promise<void> {
  for (const name of ['front', 'catalogue', 'orders', 'stock', 'database', 'client'])
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
        return (await lock(page, from, to).isVisible()) && (await line.getAttribute('data-mtls')) === 'all';
      },
      WITHIN,
    );
  }
}

/** Pairs of an edge and a service that it does not belong to, where the edge's line runs through the service's box. */
const CROSSINGS = `[...document.querySelectorAll('.edge')].flatMap((edge) => {
  const line = edge.querySelector('.line');
  const ends = edge.dataset.edge.split('>');
  return [...document.querySelectorAll('.service')].flatMap(({ dataset, transform }) => {
    if (ends.includes(dataset.service)) return [];
    const { e: left, f: top } = transform.baseVal.consolidate().matrix;
    const box = document.querySelector('.service[data-service="' + dataset.service + '"] rect').getBBox();
    const inside = ({ x, y }) => x > left && x < left + box.width && y > top && y < top + box.height;
    const length = line.getTotalLength();
    const points = Array.from({ length: 200 }, (_, index) => line.getPointAtLength((index / 199) * length));
    return points.some(inside) ? [edge.dataset.edge + ' through ' + dataset.service] : [];
  });
})`;

/** Lines go round the services that they pass, and a phone shows all of the page by moving the picture alone. */
async function checkRoom(page: Page): Promise<void> {
  assert.equal(await page.evaluate(CROSSINGS), []);
  await page.setViewportSize({ width: 390, height: 844 });
  // A scroll bar may take some of it.
  const width = (await page.evaluate('document.documentElement.scrollWidth')) as number;
  assert.ok(width <= 390, `the page is ${width} wide, the phone 390`);
  const [name] = await page.locator('.service .name').all();
  assert.ok((await name!.boundingBox())!.height >= 12, 'names of services can be read');
  await page.setViewportSize({ width: 1280, height: 800 });
}

/** An edge is chosen: its requests are there, and the failures of another with their causes. */
async function checkRequests(page: Page): Promise<void> {
  const rows = page.locator('.requests tbody tr');
  await edge(page, 'front', 'catalogue').press('Enter');
  await page.getByRole('heading', { name: 'Requests front → catalogue' }).waitFor();
  await rows.filter({ hasText: 'GET /products' }).filter({ hasText: '200' }).first().waitFor();
  // By the mouse: on its line, as a person would.
  await lock(page, 'client', 'orders').click();
  await page.getByRole('heading', { name: 'Requests client → orders' }).waitFor();
  await rows.filter({ hasText: '403' }).first().waitFor();
  // The page draws its rows anew while it is looked at; the other end's word comes with a later look when that end was busy.
  await eventually(
    'each refused request has its cause, in words',
    async () => {
      const refused = (await rows.allInnerTexts()).filter((row) => /\s403\s/.test(row));
      assert.ok(refused.length > 0);
      for (const row of refused) assert.match(row, /UAEX\s+.*spiffe:\/\/mesh\.local\/ns\/shop\/sa\/client/);
      return true;
    },
    WITHIN,
  );
}

/** The slider is moved, the figures follow: what the page shows comes from what the mesh does. */
async function checkSplit(page: Page, project: Driver): Promise<void> {
  const split = page.locator('.split[data-split="catalogue/default"]');
  assert.match(await split.innerText(), /v1 80 · v2 20/);
  const slider = split.getByRole('slider');
  await slider.focus();
  await page.keyboard.press('End');
  await split.getByText("not changed: type the operator's token first").waitFor();
  await eventually('it stands as before', async () => (await split.innerText()).includes('v1 80 · v2 20'), WITHIN);
  await fillToken(page, project);
  await slider.focus();
  await page.keyboard.press('End');
  await eventually('the control plane has it', async () => (await split.innerText()).includes('v1 0 · v2 100'), WITHIN);
  await allGoesToTheNewRelease(project);
  await eventually(
    'the page says so, too',
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

const fillToken = async (page: Page, project: Driver): Promise<void> =>
  await page.getByLabel('operator token').fill((await project.exec('dashboard', ['cat', '/operator/token'])).trim());

const allGoesToTheNewRelease = (project: Driver): Promise<unknown> =>
  eventually(
    'all goes to the new release, by count',
    async () => {
      const products = { host: 'catalogue', port: 8000, path: '/products', requests: 50 };
      return (await load(project, 'client', products)).replicas['2'] === 50;
    },
    WITHIN,
  );

async function checkSplitOfThree(page: Page, project: Driver): Promise<void> {
  await page.goto(URL);
  const split = page.locator('.split[data-split="catalogue/default"]');
  await split.getByText('v1 60 · v2 30 · again 10').waitFor();
  await fillToken(page, project);
  for (const [subset, weight] of [
    ['v1', '0'],
    ['v2', '0'],
    ['again', '7'],
  ] as const)
    await split.getByLabel(`weight of ${subset}`).fill(weight);
  await split.getByRole('button', { name: 'Move' }).click();
  await eventually(
    'the control plane has it',
    async () => {
      const { services } = await graphOf(project);
      const { splits = [] } = services.find(({ name }) => name === 'catalogue')!;
      const { weights } = splits.find(({ route }) => route === 'default')!;
      return weights['v1'] === 0 && weights['v2'] === 0 && weights['again'] === 7;
    },
    WITHIN,
  );
  await allGoesToTheNewRelease(project);
}

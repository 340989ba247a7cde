import { request } from '#kit/net/http-client.ts';
import type { AccessEntry } from '../../sidecars/mesh-proxy/src/telemetry/access-log.ts';
import { adminPage } from '../../scripts/lib/admin.ts';
import { reasonOf } from '../languages/reasons.ts';
import { exercise, field, need, running, Unmet, word, yamlFile, type Stage } from '../lessons/exercise.ts';
import { page, portOf, settled } from '../commands/observe.ts';
import { why } from './why.ts';

const FRONT = 'spiffe://mesh.local/ns/shop/sa/front';
/** The catalogue takes so long while the circuit is tried, in milliseconds: longer than customers come apart. */
const SLOW = 3000;
const CUSTOMERS = 16;
const PATIENCE = 60_000;

let asked = 0;
/** A product that nobody has asked for yet, so that its request is told from others. */
const fresh = (): string => `product-${process.pid}-${++asked}`;

async function product(stage: Stage, name: string): Promise<string> {
  return `http://127.0.0.1:${await portOf(stage, 'front-pod', 8080)}/product/${name}`;
}

/** What a proxy has written down of its last requests. */
async function entries(stage: Stage, proxy: string): Promise<readonly AccessEntry[]> {
  await running(stage, proxy);
  const { status, body } = await adminPage(stage.project, proxy, '/requests');
  need(status === 200, why('adminStatus', { proxy, status }));
  return JSON.parse(body) as AccessEntry[];
}

/** Of requests for one product; they are written down once they are over. */
async function entriesOf(stage: Stage, proxy: string, name: string): Promise<AccessEntry[]> {
  return settled(why('writesDown', { proxy, product: name }), async () => {
    const found = (await entries(stage, proxy)).filter(({ path }) => path === `/products/${name}`);
    return found.length > 0 && found;
  });
}

async function answers(stage: Stage): Promise<void> {
  await running(stage, 'front');
  await running(stage, 'catalogue');
  const text = await page(await product(stage, fresh()));
  need(text.includes('"replica"'), why('notTheCatalogue'));
}

async function mutual(stage: Stage): Promise<void> {
  const name = fresh();
  await page(await product(stage, name));
  const [inbound] = await entriesOf(stage, 'catalogue-proxy', name);
  need(inbound?.mtls, why('inTheClear'));
  const who = inbound.sourcePrincipal ?? why('nobodyKnown');
  need(who === FRONT, why('askedBy', { who }));
}

/** One request in bash, from who has no proxy; the answer as it came. */
const ASK = `exec 3<>/dev/tcp/catalogue/8080
printf 'GET %s HTTP/1.1\\r\\nHost: catalogue\\r\\nConnection: close\\r\\n\\r\\n' "$1" >&3
cat <&3`;

async function knock(stage: Stage, path: string): Promise<string> {
  await running(stage, 'stranger');
  await running(stage, 'catalogue');
  return stage.project
    .exec('stranger', ['bash', '-c', ASK, 'ask', path])
    .catch((error: unknown) => Promise.reject(new Unmet(why('noCatalogue', { problem: reasonOf(error) }))));
}

async function refused(stage: Stage): Promise<void> {
  const answer = await knock(stage, `/products/${fresh()}`);
  const first = answer.split('\r\n', 1)[0] || why('nothing');
  need(answer.startsWith('HTTP/1.1 403 '), why('strangerGets', { answer: first }));
}

/** The catalogue behaves so while something is looked at, and as ever after it. */
async function whileIt(stage: Stage, behaviour: object, look: () => Promise<void>): Promise<void> {
  const tell = (told: object): Promise<string> =>
    stage.project.exec('catalogue', ['node', '/srv/workload.mjs', 'tell', JSON.stringify(told)]);
  await tell(behaviour);
  try {
    await look();
  } finally {
    await tell({});
  }
}

async function triedAgain(stage: Stage): Promise<void> {
  await whileIt(stage, { status: 503, times: 1 }, async () => {
    const name = fresh();
    await page(await product(stage, name));
    const [outbound] = await entriesOf(stage, 'front-proxy', name);
    need(outbound?.retries, why('noSecondTry'));
  });
}

async function opens(stage: Stage): Promise<void> {
  await whileIt(stage, { delayMs: SLOW }, async () => {
    const name = fresh();
    const url = await product(stage, name);
    const all = await Promise.all(Array.from({ length: CUSTOMERS }, () => request(url, { timeout: PATIENCE })));
    const served = all.filter(({ status }) => status === 200).length;
    const turnedAway = all.filter(({ status, body }) => status === 503 && body.includes('circuit breaker')).length;
    const answer = all[0]?.body.toString('utf8', 0, 120);
    need(served > 0, why('noneServed', { all: CUSTOMERS, answer }));
    need(turnedAway > 0, why('allWait', { all: CUSTOMERS }));
    need(served + turnedAway === CUSTOMERS, why('neither'));
    const reached = (await entriesOf(stage, 'catalogue-proxy', name)).length;
    need(reached === served, why('reached', { reached, served }));
  });
}

/** What the proxies themselves wrote down is the measure of the answers. */
async function explained(stage: Stage): Promise<void> {
  const answer = yamlFile(stage, 'answer.yaml');
  const path = `/products/${fresh()}`;
  await knock(stage, path);
  const stranger = (await entriesOf(stage, 'catalogue-proxy', path.slice('/products/'.length)))[0]?.flags;
  const circuit = (await entries(stage, 'front-proxy')).find(({ cause }) => cause?.includes('circuit breaker'))?.flags;
  need(word(field(answer, 'stranger')) === word(stranger), why('strangerFlag'));
  need(word(field(answer, 'circuit')) === word(circuit), why('circuitFlag'));
}

export default exercise({
  runs: true,
  checks: [
    { must: 'show customers a product', look: answers },
    { must: 'ask the catalogue by mutual TLS, as the front', look: mutual },
    { must: 'refuse the stranger', look: refused },
    { must: 'try again when the catalogue fails once', look: triedAgain, trial: true },
    { must: 'open the circuit when the catalogue is slow and many come', look: opens, trial: true },
    { must: 'name the flags of what failed in answer.yaml', look: explained, trial: true },
  ],
});

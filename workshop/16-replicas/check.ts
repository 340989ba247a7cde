import { serviceOf, type Inspected } from '../../scripts/lib/compose.ts';
import { exercise, need, running, type Stage } from '../lessons/exercise.ts';
import { settled } from '../commands/observe.ts';
import { why } from './why.ts';

type Member = Inspected & { readonly HostConfig: { readonly NetworkMode: string } };

/** The containers of a network namespace: its owner, the boards and the sidecars that joined it. */
interface Pod {
  readonly owner: string;
  readonly boards: readonly string[];
  readonly sidecars: readonly string[];
}

/** Whether a container is made of an image of the catalogue. */
const isOf = (image: string, { Config }: Member): boolean => Config.Labels['dev.sidecar-stacks.image'] === image;

async function pods({ project }: Stage): Promise<Pod[]> {
  const all = (await project.containers()) as Member[];
  const broken = all.find((each) => isOf('board', each) && each.State.Status !== 'running');
  need(broken === undefined, why('logSaysWhy', { container: broken?.Name.slice(1), state: broken?.State.Status }));
  const joined = (owner: Member, image: string): string[] =>
    all
      .filter((each) => isOf(image, each) && each.State.Status === 'running')
      .filter(({ HostConfig: { NetworkMode } }) => NetworkMode === `container:${owner.Id}`)
      .map(serviceOf);
  return all
    .map((owner) => ({ owner: serviceOf(owner), boards: joined(owner, 'board'), sidecars: joined(owner, 'tls') }))
    .filter(({ boards }) => boards.length > 0);
}

async function two(stage: Stage): Promise<void> {
  const found = await pods(stage);
  const crowded = found.find(({ boards }) => boards.length > 1);
  need(crowded === undefined, why('crowded', { boards: crowded?.boards.join(', '), owner: crowded?.owner }));
  need(found.length >= 2, why(found.length === 1 ? 'onePod' : 'noPod'));
}

async function served(stage: Stage): Promise<void> {
  const bare = (await pods(stage)).find(({ sidecars }) => sidecars.length !== 1);
  need(bare === undefined, why('sidecars', { owner: bare?.owner, count: bare?.sidecars.length }));
}

/** The addresses of the name, and what each answers over HTTPS; whose certificate it shows is another exercise. */
const ASK = `
const { lookup } = require('node:dns/promises');
const get = (address) => new Promise((resolve) => {
  const options = { host: address, port: 8443, path: '/', rejectUnauthorized: false, timeout: 5000 };
  require('node:https').get(options, (answer) => { answer.resume(); resolve(answer.statusCode); })
    .on('timeout', function () { this.destroy(); resolve('no answer'); })
    .on('error', (error) => resolve(error.code));
});
lookup('board', { all: true, family: 4 }).catch(() => []).then(async (found) => {
  const answers = await Promise.all(found.map(async ({ address }) => [address, await get(address)]));
  console.log(JSON.stringify(answers));
});`;

async function ask(stage: Stage): Promise<readonly (readonly [string, number | string])[]> {
  await running(stage, 'client');
  return JSON.parse(await stage.project.exec('client', ['node', '-e', ASK])) as [string, number | string][];
}

async function named(stage: Stage): Promise<void> {
  const [found, answers] = await Promise.all([pods(stage), ask(stage)]);
  need(found.length >= 2, why('onePod'));
  const addresses = answers.length;
  need(addresses === found.length, why('addresses', { pods: found.length, addresses }));
  const wrong = answers.find(([, status]) => status !== 200);
  need(wrong === undefined, why('answersWith', { address: wrong?.[0], answer: wrong?.[1] }));
}

async function survives(stage: Stage): Promise<void> {
  await named(stage);
  const [{ owner, boards, sidecars }] = (await pods(stage)) as [Pod, ...Pod[]];
  const members = [...sidecars, ...boards];
  try {
    for (const service of [...members, owner]) await stage.project.stop(service);
    await settled(why('goesOn'), async () => {
      const answers = await ask(stage);
      return answers.length > 0 && answers.every(([, status]) => status === 200);
    });
  } finally {
    for (const service of [owner, ...members]) await stage.project.start(service);
  }
  await settled(why('bothAgain'), () => named(stage).then(() => true));
}

export default exercise({
  runs: true,
  checks: [
    { must: 'run two boards, each in a pod of its own', look: two },
    { must: 'have a sidecar in each of these pods', look: served },
    { must: 'answer over HTTPS at every address of the name board', look: named },
    { must: 'go on answering when one pod is stopped', look: survives, trial: true },
  ],
});

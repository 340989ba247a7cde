import type { OverviewDocument } from '../../sidecars/topz/src/view/document.ts';
import { container, exercise, field, need, running, word, yamlFile, type Stage } from '../lessons/exercise.ts';
import { page, portOf } from '../commands/observe.ts';

const EATER = { service: 'office', program: 'webstats' };
/** Percent of one processor. */
const ALLOWED = 25;

async function overview(stage: Stage): Promise<OverviewDocument> {
  await running(stage, 'topz');
  const url = `http://127.0.0.1:${await portOf(stage, 'pod', 8080)}/topz?format=json`;
  return JSON.parse(await page(url)) as OverviewDocument;
}

function named(stage: Stage): void {
  const answer = yamlFile(stage, 'answer.yaml');
  need(field(answer, 'service') === EATER.service, 'answer.yaml names another service than the one that topz shows');
  need(word(field(answer, 'program')).startsWith(EATER.program), 'answer.yaml names another program than topz shows');
}

async function tamed(stage: Stage): Promise<void> {
  // What this check says would give the answer away.
  named(stage);
  const { Id } = await container(stage, EATER.service);
  const group = (await overview(stage)).groups.find(({ id }) => id === Id.slice(0, 12));
  need(group, `topz sees no process of ${EATER.service}`);
  need(group.cpu_percent !== null, `topz has not measured ${EATER.service} yet`);
  need(group.cpu_percent < ALLOWED, `${EATER.service} takes ${group.cpu_percent} % of a processor`);
}

async function works(stage: Stage): Promise<void> {
  await tamed(stage);
  await running(stage, EATER.service);
  const { processes } = await overview(stage);
  need(
    processes.some(({ command }) => command.includes(EATER.program)),
    `${EATER.program} does not run: it must go on`,
  );
  need((await page(`http://127.0.0.1:${await portOf(stage, 'pod', 80)}/`)) !== '', 'the web server answers nothing');
}

export default exercise({
  runs: true,
  checks: [
    { must: 'name who takes the processor time', look: named },
    { must: `leave it less than ${ALLOWED} % of a processor`, look: tamed },
    { must: 'let everything go on', look: works },
  ],
});

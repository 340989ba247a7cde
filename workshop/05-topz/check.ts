import type { OverviewDocument } from '../../sidecars/topz/src/view/document.ts';
import { container, exercise, field, need, running, word, yamlFile, type Stage } from '../lessons/exercise.ts';
import { page, portOf } from '../commands/observe.ts';
import { why } from './why.ts';

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
  need(field(answer, 'service') === EATER.service, why('otherService'));
  need(word(field(answer, 'program')).startsWith(EATER.program), why('otherProgram'));
}

async function tamed(stage: Stage): Promise<void> {
  // What this check says would give the answer away.
  named(stage);
  const { Id } = await container(stage, EATER.service);
  const group = (await overview(stage)).groups.find(({ id }) => id === Id.slice(0, 12));
  const { service } = EATER;
  need(group, why('noProcess', { service }));
  need(group.cpu_percent !== null, why('notMeasured', { service }));
  need(group.cpu_percent < ALLOWED, why('takes', { service, percent: group.cpu_percent }));
}

async function works(stage: Stage): Promise<void> {
  await tamed(stage);
  await running(stage, EATER.service);
  const { processes } = await overview(stage);
  need(
    processes.some(({ command }) => command.includes(EATER.program)),
    why('goesOn', { program: EATER.program }),
  );
  need((await page(`http://127.0.0.1:${await portOf(stage, 'pod', 80)}/`)) !== '', why('noWeb'));
}

export default exercise({
  runs: true,
  checks: [
    { must: 'name who takes the processor time', look: named },
    { must: `leave it less than ${ALLOWED} % of a processor`, look: tamed },
    { must: 'let everything go on', look: works },
  ],
});

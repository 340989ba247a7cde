import { container, exercise, need, running, Unmet, type Stage } from '../lessons/exercise.ts';
import type { Inspected } from '../../scripts/lib/compose.ts';
import { page, publishedPort, sameNetwork, settled } from '../commands/observe.ts';
import { why } from './why.ts';

type Budget = Inspected & {
  readonly HostConfig: { readonly NanoCpus: number; readonly CpuShares: number; readonly Memory: number };
};

const MIB = 1024 * 1024;
/** What the indexer may take. */
const CPUS = 0.5;
const MEMORY = 128 * MIB;
/** A container's weight when none is said. */
const WEIGHT = 1024;
const TIMES = 4;
/** Seconds over which its CPU time is counted: a limit is kept in slices of 0.1 s. */
const WINDOW = 2;

const budget = async (stage: Stage, service: string): Promise<Budget['HostConfig']> =>
  ((await running(stage, service)) as Budget).HostConfig;

async function answers(stage: Stage): Promise<void> {
  await running(stage, 'office');
  const text = await page(`http://127.0.0.1:${await publishedPort(stage, 3000)}/`);
  need(text.includes('open'), why('notTheOffice'));
}

/** The command lines in a service's container. */
const programs = (stage: Stage, service: string): Promise<string> =>
  stage.project.exec(service, ['sh', '-c', 'cat /proc/[0-9]*/cmdline 2> /dev/null | tr "\\0" " "']);

async function apart(stage: Stage): Promise<void> {
  await running(stage, 'office');
  need(!(await programs(stage, 'office')).includes('indexer.js'), why('stillInside'));
  await running(stage, 'indexer').catch(() => Promise.reject(new Unmet(why('noIndexer'))));
  need((await programs(stage, 'indexer')).includes('indexer.js'), why('otherProgram'));
  await sameNetwork(stage, 'office', 'indexer');
}

async function weighs(stage: Stage): Promise<void> {
  const [office, indexer] = await Promise.all([budget(stage, 'office'), budget(stage, 'indexer')]);
  const [more, less] = [office.CpuShares || WEIGHT, indexer.CpuShares || WEIGHT];
  need(more >= TIMES * less, why('weights', { office: more, indexer: less }));
}

/** CPU time of all processes of the indexer, and the time of the machine, in seconds. */
async function spent(stage: Stage): Promise<{ cpu: number; at: number }> {
  const text = await stage.project.exec('indexer', ['sh', '-c', 'cat /proc/uptime /proc/[0-9]*/stat 2> /dev/null']);
  const [uptime, ...processes] = text.trim().split('\n');
  const ticks = processes.map((line) => {
    // After the name, which may hold anything, come the state and eleven numbers.
    const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
    return Number(fields[11]) + Number(fields[12]);
  });
  return { cpu: ticks.reduce((sum, each) => sum + each, 0) / 100, at: Number.parseFloat(uptime!) };
}

async function bounded(stage: Stage): Promise<void> {
  const { NanoCpus } = await budget(stage, 'indexer').catch(() => Promise.reject(new Unmet(why('noIndexer'))));
  need(NanoCpus > 0, why('everyCpu'));
  need(NanoCpus <= CPUS * 1e9, why('cpus', { cpus: NanoCpus / 1e9 }));
  const begin = await spent(stage);
  const end = await settled(why('passed', { seconds: WINDOW }), async () => {
    const now = await spent(stage);
    return now.at - begin.at >= WINDOW && now;
  });
  const share = (end.cpu - begin.cpu) / (end.at - begin.at);
  need(share <= CPUS * 1.2, why('taken', { cpus: share.toFixed(2), seconds: WINDOW }));
}

const GROW = "fetch('http://127.0.0.1:9000/grow', { method: 'POST' }).then((answer) => answer.text())";

async function endedAlone(stage: Stage): Promise<void> {
  await apart(stage);
  const { Memory } = await budget(stage, 'indexer');
  need(Memory > 0, why('allMemory'));
  need(Memory <= MEMORY, why('memory', { mib: Memory / MIB }));
  const before = await Promise.all(['office', 'indexer'].map((service) => running(stage, service)));
  await settled(why('grows'), () => stage.project.exec('indexer', ['node', '-e', GROW]));
  await settled(why('endedAndBack'), async () => {
    const { State } = await container(stage, 'indexer');
    return State.Running && State.StartedAt !== before[1]!.State.StartedAt;
  });
  const { State } = await running(stage, 'office');
  need(State.StartedAt === before[0]!.State.StartedAt, why('officeToo'));
  await answers(stage);
}

export default exercise({
  runs: true,
  checks: [
    { must: 'answer with the page of the office', look: answers },
    { must: 'run the indexer in a container of its own, in the same pod', look: apart },
    { must: 'give the office four times the weight of the indexer', look: weighs },
    { must: 'take at most half a CPU for the indexer', look: bounded, trial: true },
    { must: 'end the indexer alone when it takes all memory', look: endedAlone, trial: true },
  ],
});

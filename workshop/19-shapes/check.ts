import { exercise, field, need, running, yamlFile, type Stage } from '../lessons/exercise.ts';
import { settled } from '../commands/observe.ts';
import { why as common } from '../lessons/why.ts';
import { why } from './why.ts';

const SHAPES = ['none', 'node', 'sidecar'] as const;
type Shape = (typeof SHAPES)[number];

/** The proxies of each shape; the first is the one that stock uses. */
const PROXIES: Readonly<Record<Shape, readonly string[]>> = {
  none: [],
  node: ['node-proxy'],
  sidecar: ['stock-proxy', 'orders-proxy'],
};

const MIB = 1024 * 1024;
/** How far a figure may be from the one that the check sees. */
const FACTOR = 2;
const SERVICES = 40;
const MACHINES = 4;

interface Report {
  readonly answers: number;
  readonly says: string;
}

/** What the client's script measures. */
async function measure(stage: Stage, who: 'stock' | 'orders'): Promise<Record<Shape, Report>> {
  await running(stage, 'client');
  return JSON.parse(
    await stage.project.exec('client', ['node', '/shop/measure.js', who, '--json'], { timeoutMs: 60_000 }),
  ) as Record<Shape, Report>;
}

const answer = (stage: Stage, ...path: readonly string[]): unknown => field(yamlFile(stage, 'answer.yaml'), ...path);

/** Compare a row of the answer with what is true. */
function same(stage: Stage, row: string, truth: Readonly<Partial<Record<Shape, number | boolean>>>): void {
  for (const [shape, expected] of Object.entries(truth)) {
    const said = answer(stage, row, shape);
    need(said !== undefined && said !== null, common('notAnswered', { row, column: shape }));
    const plain = typeof expected === 'boolean' ? [true, 'yes'].includes(said as boolean | string) : said;
    need(plain === expected, common('notRight', { row, said: JSON.stringify(said), column: shape }));
  }
}

async function passed(stage: Stage): Promise<void> {
  const report = await measure(stage, 'stock');
  const truth = SHAPES.map((shape) => {
    const { passed: count } = JSON.parse(report[shape].says) as { passed?: number };
    need(count !== undefined, why('noAnswer', { shape, says: report[shape].says }));
    return [shape, count] as const;
  });
  same(stage, 'passed', Object.fromEntries(truth));
}

const READ = 'cat /sys/fs/cgroup/memory.current 2> /dev/null || cat /sys/fs/cgroup/memory/memory.usage_in_bytes';

async function memory(stage: Stage): Promise<void> {
  for (const shape of ['node', 'sidecar'] as const) {
    const bytes = await Promise.all(
      PROXIES[shape].map(async (proxy) => {
        await running(stage, proxy);
        return Number(await stage.project.exec(proxy, ['sh', '-c', READ]));
      }),
    );
    const truth = bytes.reduce((sum, each) => sum + each, 0) / MIB;
    const said = Number(answer(stage, 'memory', shape) ?? Number.NaN);
    const [least, most] = [truth / FACTOR - 1, truth * FACTOR + 1];
    need(said >= least && said <= most, why('memory', { said, shape, truth: truth.toFixed(1) }));
  }
}

/** Kill the proxy that stock uses, and ask orders as another caller does. */
async function killed(stage: Stage): Promise<void> {
  const truth: Partial<Record<Shape, boolean>> = {};
  for (const shape of ['node', 'sidecar'] as const) {
    const proxy = PROXIES[shape][0]!;
    await running(stage, proxy);
    await stage.project.stop(proxy);
    try {
      const report = await measure(stage, 'orders');
      truth[shape] = report[shape].answers === 200;
    } finally {
      await stage.project.start(proxy);
    }
  }
  await settled(why('everyShape'), async () => {
    const report = await measure(stage, 'orders');
    return SHAPES.every((shape) => report[shape].answers === 200);
  });
  same(stage, 'orders_answers', truth);
}

const counted = (stage: Stage): void => same(stage, 'for_forty', { none: 0, node: MACHINES, sidecar: SERVICES });

export default exercise({
  runs: true,
  checks: [
    { must: 'say how many proxies a request passes', look: passed },
    { must: 'say what the proxies take in memory', look: memory },
    { must: 'say how many proxies 40 services on 4 machines need', look: counted },
    { must: 'say who still answers when a proxy is killed', look: killed, trial: true },
  ],
});

import { exercise, field, need, running, word, yamlFile, type Stage } from '../lessons/exercise.ts';
import { page, portOf } from '../commands/observe.ts';
import { why } from './why.ts';

const KEY: Readonly<Record<string, string>> = {
  shards: 'ambassador',
  'log-format': 'adapter',
  https: 'sidecar',
  prices: 'ambassador',
  jmx: 'adapter',
  content: 'sidecar',
  edge: 'none',
};

function chosen(stage: Stage): void {
  const answer = yamlFile(stage, 'answer.yaml');
  const right = Object.entries(KEY).filter(([name, pattern]) => word(field(answer, name)) === pattern).length;
  const all = Object.keys(KEY).length;
  need(right === all, why('right', { right, all }));
}

/** A sample of the text format (https://prometheus.io/docs/instrumenting/exposition_formats/) that names the program. */
async function scraped(stage: Stage): Promise<void> {
  await running(stage, 'webstats');
  const text = await page(`http://127.0.0.1:${await portOf(stage, 'pod', 8080)}/metrics`);
  const samples = text.split('\n').filter((line) => /^[a-z_:][\w:]*\{[^}]*webstats[^}]*\} [\d.e+-]+$/i.test(line));
  need(samples.length > 0, why('notOfWebstats'));
}

/** Without an engine: who owns the namespace that a service lives in, as compose.yaml says. */
function ownerOf(file: unknown, service: string, mode: 'network_mode' | 'pid', hops = 0): string {
  const joined = /^service:(.+)$/.exec(word(field(file, 'services', service, mode)))?.[1];
  return joined === undefined || hops > 9 ? service : ownerOf(file, joined, mode, hops + 1);
}

function written(stage: Stage): void {
  const file = yamlFile(stage, 'compose.yaml');
  const services = field(file, 'services');
  need(typeof services === 'object' && services !== null, why('noServices'));
  const adapters = Object.keys(services).filter(
    (name) => field(file, 'services', name, 'extends', 'service') === 'topz',
  );
  need(adapters.length > 0, why('noAdapter'));
  const owner = (name: string, mode: 'network_mode' | 'pid'): string => ownerOf(file, name, mode);
  const near = adapters.filter((name) => owner(name, 'network_mode') === owner('pod', 'network_mode'));
  need(near.length > 0, why('otherNetwork', { adapter: adapters[0] }));
  need(
    near.some((name) => owner(name, 'pid') === owner('webstats', 'pid')),
    why('otherProcesses', { adapter: near[0] }),
  );
}

const PATTERNS = { must: 'name the pattern of each case', look: chosen };
const METRICS = 'give Prometheus metrics of webstats, on port 8080 of the pod';

export default exercise({
  runs: true,
  checks: [PATTERNS, { must: METRICS, look: scraped }],
  written: [PATTERNS, { must: METRICS, look: written }],
});

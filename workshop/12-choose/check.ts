import { exercise, field, need, running, word, yamlFile, type Stage } from '../lessons/exercise.ts';
import { page, portOf } from '../commands/observe.ts';

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
  const right = Object.entries(KEY).filter(([name, pattern]) => word(field(answer, name)) === pattern);
  const all = Object.keys(KEY).length;
  need(right.length === all, `${right.length} of ${all} are right`);
}

/** A sample of the text format (https://prometheus.io/docs/instrumenting/exposition_formats/) that names the program. */
async function scraped(stage: Stage): Promise<void> {
  await running(stage, 'webstats');
  const text = await page(`http://127.0.0.1:${await portOf(stage, 'pod', 8080)}/metrics`);
  const samples = text.split('\n').filter((line) => /^[a-z_:][\w:]*\{[^}]*webstats[^}]*\} [\d.e+-]+$/i.test(line));
  need(samples.length > 0, 'there are metrics, and none is of webstats');
}

export default exercise({
  runs: true,
  checks: [
    { must: 'name the pattern of each case', look: chosen },
    { must: 'give Prometheus metrics of webstats, on port 8080 of the pod', look: scraped },
  ],
});

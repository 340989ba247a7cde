import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { run } from '../../scripts/lib/run.ts';
import { ROOT } from '../../scripts/lib/stacks.ts';
import { compareDockerfiles, verdict } from '../../tools/contract/compare.ts';
import { readDockerfile, type DockerfileFacts } from '../../tools/contract/dockerfile.ts';
import { exercise, field, need, yamlFile, type Stage } from '../lessons/exercise.ts';

const OLD = 'UPDATE_FREQUENCY';
const NEW = 'UPDATE_PERIOD';
const DEFAULT = 30_000;
const EX_USAGE = 64;
const PATIENCE = 10_000;

function text({ dir }: Stage, name: string): string {
  need(existsSync(join(dir, name)), `${name} is missing`);
  return readFileSync(join(dir, name), 'utf8');
}

const published = (): DockerfileFacts =>
  readDockerfile(readFileSync(join(import.meta.dirname, 'start/published/Dockerfile'), 'utf8'), 'published/Dockerfile');
const mine = (stage: Stage): DockerfileFacts => readDockerfile(text(stage, 'Dockerfile'), 'Dockerfile');

interface Said {
  readonly exitCode: number | null;
  /** The period in milliseconds; NaN when none was said. */
  readonly period: number;
  readonly warning: string;
}

/** What the program says in an environment. */
async function started(stage: Stage, env: Readonly<Record<string, string | undefined>>): Promise<Said> {
  text(stage, 'updater');
  const { exitCode, stdout, stderr } = await run('sh', ['updater'], {
    cwd: stage.dir,
    env: { [OLD]: '', [NEW]: '', ...env },
    timeoutMs: PATIENCE,
  });
  return { exitCode, period: Number(/every (\d+) ms/.exec(stdout)?.[1] ?? Number.NaN), warning: stderr };
}

async function newName(stage: Stage): Promise<void> {
  need(mine(stage).env.has(NEW), `the Dockerfile does not declare ${NEW}`);
  for (const [value, expected] of [
    ['500', 500],
    ['', DEFAULT],
  ] as const) {
    const { period } = await started(stage, { [NEW]: value });
    need(period === expected, `with ${NEW}=${value} the period is ${period} ms, and not ${expected}`);
  }
}

/** Users of the published version keep their period, or are told that they must do something. */
async function users(stage: Stage): Promise<void> {
  need(mine(stage).env.has(NEW), `the Dockerfile does not declare ${NEW}`);
  const folder = join(import.meta.dirname, 'start/users');
  for (const name of readdirSync(folder).toSorted()) {
    const env = parseEnv(readFileSync(join(folder, name), 'utf8'));
    const before = Number(env[OLD] ?? DEFAULT / 1000) * 1000;
    const { exitCode, period, warning } = await started(stage, env);
    if (exitCode === EX_USAGE && env[OLD] !== undefined) {
      need(warning.includes(NEW), `users/${name}: it ends, and does not say that ${NEW} is to be set`);
      continue;
    }
    need(period === before, `users/${name}: the period was ${before} ms, and is ${period} ms now`);
    need(env[OLD] === undefined || warning.includes(NEW), `users/${name}: nobody is told to set ${NEW}`);
  }
}

async function contradiction(stage: Stage): Promise<void> {
  const both = await started(stage, { [OLD]: '2', [NEW]: '7000' });
  need(
    both.exitCode === EX_USAGE && both.warning.includes(OLD) && both.warning.includes(NEW),
    `${OLD}=2 and ${NEW}=7000 together end with ${both.exitCode}, and not with ${EX_USAGE} and both names`,
  );
}

async function version(stage: Stage): Promise<void> {
  const changes = compareDockerfiles(published(), mine(stage));
  need(changes.length > 0, 'nothing has changed since the published version');
  const { enough, needed, from, to } = verdict(published(), mine(stage), changes);
  need(enough, `${changes[0]!.message}; that is a ${needed} change, and the version went from ${from} to ${to}`);
  const { exitCode } = await started(stage, { [OLD]: '5' });
  const served = mine(stage).env.has(OLD);
  need(
    served === (exitCode === 0),
    `the Dockerfile ${served ? 'still has' : 'has lost'} ${OLD}, and the program does otherwise`,
  );
}

/** By the contract itself, not by a list of ours. */
function found(stage: Stage): void {
  const answer = yamlFile(stage, 'answer.yaml');
  const said = ['sidecar', 'name', 'former']
    .map((key) => field(answer, key))
    .map((value) => (typeof value === 'string' ? value.trim() : ''));
  const [sidecar, name, former] = said as [string, string, string];
  need(/^[a-z-]+$/.test(sidecar), 'answer.yaml names no sidecar');
  const path = join(ROOT, 'sidecars', sidecar, 'contract.json');
  need(existsSync(path), `${sidecar} is no sidecar of this repository`);
  const names = field(JSON.parse(readFileSync(path, 'utf8')), 'parameters', name, 'deprecated');
  need(
    Array.isArray(names) && names.includes(former),
    `${sidecar} does not read ${former || 'nothing'} as ${name || 'nothing'}`,
  );
}

export default exercise({
  runs: false,
  checks: [
    { must: `take ${NEW} in milliseconds, and 30 seconds without it`, look: newName },
    { must: 'change the period of no user without a word', look: users },
    { must: 'refuse two names that contradict each other', look: contradiction },
    { must: 'have a version that says how much has changed', look: version },
    { must: 'name the sidecar that has a former name', look: found },
  ],
});

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { run } from '../../scripts/lib/run.ts';
import { ROOT } from '../../scripts/lib/stacks.ts';
import { readDockerfile, type DockerfileFacts } from '../../tools/contract/dockerfile.ts';
import { exercise, field, need, textFile, yamlFile, type Stage } from '../lessons/exercise.ts';
import { versionTells } from '../lessons/versions.ts';
import { why as common } from '../lessons/why.ts';
import { why } from './why.ts';

const OLD = 'UPDATE_FREQUENCY';
const NEW = 'UPDATE_PERIOD';
const DEFAULT = 30_000;
const EX_USAGE = 64;
const PATIENCE = 10_000;

const published = (): DockerfileFacts =>
  readDockerfile(readFileSync(join(import.meta.dirname, 'start/published/Dockerfile'), 'utf8'), 'published/Dockerfile');
const mine = (stage: Stage): DockerfileFacts => readDockerfile(textFile(stage, 'Dockerfile'), 'Dockerfile');

interface ProgramRun {
  readonly exitCode: number | null;
  /** The period in milliseconds; NaN when none was said. */
  readonly period: number;
  readonly warning: string;
}

/** What the program says in an environment. */
async function started(stage: Stage, env: Readonly<Record<string, string | undefined>>): Promise<ProgramRun> {
  textFile(stage, 'updater');
  const { exitCode, stdout, stderr } = await run('sh', ['updater'], {
    cwd: stage.dir,
    env: { [OLD]: '', [NEW]: '', ...env },
    timeoutMs: PATIENCE,
  });
  return { exitCode, period: Number(/every (\d+) ms/.exec(stdout)?.[1] ?? Number.NaN), warning: stderr };
}

async function newName(stage: Stage): Promise<void> {
  need(mine(stage).env.has(NEW), common('notDeclared', { name: NEW }));
  for (const [value, expected] of [
    ['500', 500],
    ['', DEFAULT],
  ] as const) {
    const { period } = await started(stage, { [NEW]: value });
    need(period === expected, why('period', { name: NEW, value, period, expected }));
  }
}

/** Users of the published version keep their period, or are told that they must do something. */
async function users(stage: Stage): Promise<void> {
  need(mine(stage).env.has(NEW), common('notDeclared', { name: NEW }));
  const folder = join(import.meta.dirname, 'start/users');
  for (const name of readdirSync(folder).toSorted()) {
    const env = parseEnv(readFileSync(join(folder, name), 'utf8'));
    const before = Number(env[OLD] ?? DEFAULT / 1000) * 1000;
    const { exitCode, period, warning } = await started(stage, env);
    if (exitCode === EX_USAGE && env[OLD] !== undefined) {
      need(warning.includes(NEW), why('endsSilently', { user: name, name: NEW }));
      continue;
    }
    need(period === before, why('periodChanged', { user: name, before, period }));
    need(env[OLD] === undefined || warning.includes(NEW), why('nobodyTold', { user: name, name: NEW }));
  }
}

async function contradiction(stage: Stage): Promise<void> {
  const both = await started(stage, { [OLD]: '2', [NEW]: '7000' });
  need(
    both.exitCode === EX_USAGE && both.warning.includes(OLD) && both.warning.includes(NEW),
    why('contradiction', { old: OLD, name: NEW, code: both.exitCode ?? undefined, expected: EX_USAGE }),
  );
}

async function version(stage: Stage): Promise<void> {
  versionTells(published(), mine(stage));
  const { exitCode } = await started(stage, { [OLD]: '5' });
  const served = mine(stage).env.has(OLD);
  need(served === (exitCode === 0), why(served ? 'stillHas' : 'hasLost', { old: OLD }));
}

/** By the contract itself, not by a list of ours. */
function found(stage: Stage): void {
  const answer = yamlFile(stage, 'answer.yaml');
  const said = ['sidecar', 'name', 'former']
    .map((key) => field(answer, key))
    .map((value) => (typeof value === 'string' ? value.trim() : ''));
  const [sidecar, name, former] = said as [string, string, string];
  need(/^[a-z-]+$/.test(sidecar), why('noSidecar'));
  const path = join(ROOT, 'sidecars', sidecar, 'contract.json');
  need(existsSync(path), why('notOurs', { sidecar }));
  const names = field(JSON.parse(readFileSync(path, 'utf8')), 'parameters', name, 'deprecated');
  const read = Array.isArray(names) && names.includes(former);
  need(read, why('notRead', { sidecar, former: former || '?', name: name || '?' }));
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

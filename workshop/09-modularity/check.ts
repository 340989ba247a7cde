import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../scripts/lib/run.ts';
import { exercise, need, type Stage } from '../lessons/exercise.ts';
import { compareDockerfiles, verdict } from '../../tools/contract/compare.ts';
import { readDockerfile, type DockerfileFacts } from '../../tools/contract/dockerfile.ts';
import { contractMarkdown, fillMarkers } from '../../tools/contract/docs.ts';

const OLD = 'GREETER_NAME';
const NEW = 'GREETER_PERSON_NAME';
const PATIENCE = 10_000;

function text({ dir }: Stage, name: string): string {
  need(existsSync(join(dir, name)), `${name} is missing`);
  return readFileSync(join(dir, name), 'utf8');
}

const published = readFileSync(join(import.meta.dirname, 'start/published/Dockerfile'), 'utf8');
const before = (): DockerfileFacts => readDockerfile(published, 'published/Dockerfile');
const after = (stage: Stage): DockerfileFacts => readDockerfile(text(stage, 'Dockerfile'), 'Dockerfile');

/** What the program says with a variable. */
async function greeting(stage: Stage, variable: string, value: string): Promise<string> {
  text(stage, 'greet');
  const env = { [OLD]: '', [NEW]: '', [variable]: value };
  const { exitCode, stdout } = await run('sh', ['greet'], { cwd: stage.dir, env, timeoutMs: PATIENCE });
  need(exitCode === 0, `greet ends with ${exitCode}`);
  return stdout.trim();
}

async function newName(stage: Stage): Promise<void> {
  need(after(stage).env.has(NEW), `the Dockerfile does not declare ${NEW}`);
  const said = await greeting(stage, NEW, 'Ada');
  need(said === 'hello, Ada', `with ${NEW}=Ada greet says "${said}"`);
}

/** Users who still set the old name are served, or were told by a major version. */
async function oldName(stage: Stage): Promise<void> {
  if (!after(stage).env.has(OLD)) {
    need(
      verdict(before(), after(stage), compareDockerfiles(before(), after(stage))).enough,
      `${OLD} went without notice`,
    );
    return;
  }
  const said = await greeting(stage, OLD, 'Ada');
  need(said === 'hello, Ada', `the Dockerfile still has ${OLD}, and with ${OLD}=Ada greet says "${said}"`);
}

function version(stage: Stage): void {
  const changes = compareDockerfiles(before(), after(stage));
  need(changes.length > 0, 'nothing has changed since the published version');
  const { enough, needed, from, to } = verdict(before(), after(stage), changes);
  need(enough, `${changes[0]!.message}; that is a ${needed} change, and the version went from ${from} to ${to}`);
}

function documented(stage: Stage): void {
  const readme = text(stage, 'README.md');
  need(after(stage).env.has(NEW), `the README cannot speak of ${NEW} before the Dockerfile does`);
  const wanted = fillMarkers(readme, contractMarkdown(after(stage)));
  need(wanted !== undefined, 'README.md has lost the marks of its contract');
  need(wanted === readme, 'the table in README.md is not what the Dockerfile says');
}

export default exercise({
  runs: false,
  checks: [
    { must: `greet by ${NEW}`, look: newName },
    { must: `serve who sets ${OLD}, or be a major version`, look: oldName },
    { must: 'have a version that says how much has changed', look: version },
    { must: 'have a README that says what the Dockerfile says', look: documented },
  ],
});

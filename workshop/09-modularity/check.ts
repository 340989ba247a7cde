import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../scripts/lib/run.ts';
import { exercise, need, textFile, type Stage } from '../lessons/exercise.ts';
import { why as common } from '../lessons/why.ts';
import { versionTells } from '../lessons/versions.ts';
import { compareDockerfiles, verdict } from '../../tools/contract/compare.ts';
import { readDockerfile, type DockerfileFacts } from '../../tools/contract/dockerfile.ts';
import { contractMarkdown, fillMarkers } from '../../tools/contract/docs.ts';
import { why } from './why.ts';

const OLD = 'GREETER_NAME';
const NEW = 'GREETER_PERSON_NAME';
const PATIENCE = 10_000;

const published = readFileSync(join(import.meta.dirname, 'start/published/Dockerfile'), 'utf8');
const before = (): DockerfileFacts => readDockerfile(published, 'published/Dockerfile');
const after = (stage: Stage): DockerfileFacts => readDockerfile(textFile(stage, 'Dockerfile'), 'Dockerfile');

/** What the program says with a variable. */
async function greeting(stage: Stage, variable: string, value: string): Promise<string> {
  textFile(stage, 'greet');
  const env = { [OLD]: '', [NEW]: '', [variable]: value };
  const { exitCode, stdout } = await run('sh', ['greet'], { cwd: stage.dir, env, timeoutMs: PATIENCE });
  need(exitCode === 0, why('endsWith', { code: exitCode ?? undefined }));
  return stdout.trim();
}

async function newName(stage: Stage): Promise<void> {
  need(after(stage).env.has(NEW), common('notDeclared', { name: NEW }));
  const said = await greeting(stage, NEW, 'Ada');
  need(said === 'hello, Ada', why('says', { name: NEW, said }));
}

/** Users who still set the old name are served, or were told by a major version. */
async function oldName(stage: Stage): Promise<void> {
  if (!after(stage).env.has(OLD)) {
    const { enough } = verdict(before(), after(stage), compareDockerfiles(before(), after(stage)));
    need(enough, why('withoutNotice', { name: OLD }));
    return;
  }
  const said = await greeting(stage, OLD, 'Ada');
  need(said === 'hello, Ada', why('stillThere', { name: OLD, said }));
}

function version(stage: Stage): void {
  versionTells(before(), after(stage));
}

function documented(stage: Stage): void {
  const readme = textFile(stage, 'README.md');
  need(after(stage).env.has(NEW), why('notYetDeclared', { name: NEW }));
  const wanted = fillMarkers(readme, contractMarkdown(after(stage)));
  need(wanted !== undefined, why('noMarks'));
  need(wanted === readme, why('otherTable'));
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

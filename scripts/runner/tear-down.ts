/** Removing a run, whatever happened before: until nothing carries its label any more. */
import { ofProject, Project } from '../lib/compose.ts';
import { docker, EngineError } from '../lib/engine.ts';
import { eventually } from '#kit/testing/eventually.ts';
import type { Failure } from './events.ts';
import { engineAnswers } from './failure.ts';
import { childRuns, leaveRun } from './runs.ts';

/** How long an engine that stopped answering may take to come back, in milliseconds. */
const ENGINE_PATIENCE = 10_000;
/** Deadline of all attempts together, in milliseconds. */
const PATIENCE = 180_000;
const DOWN_MS = 120_000;
/** From this attempt on, what is left is removed without compose. */
const BY_FORCE = 3;
/** Between two looks, in milliseconds. */
const PAUSE = 200;

export interface TearDownOptions {
  /**
   * The run was interrupted: a client that was ended may have asked the engine for one more container,
   * which comes into being after the first look.
   */
  readonly interrupted: boolean;
}

/**
 * Remove a project, and the projects that its scenario made beside it and could not remove.
 * Nothing interrupts this but the program's own end.
 * @returns what went wrong, undefined when nothing is left
 */
export async function tearDown(project: Project, { interrupted }: TearDownOptions): Promise<Failure | undefined> {
  const failures: Failure[] = [];
  for (const name of [...childRuns(project.name), project.name]) {
    const each = name === project.name ? project : new Project({ name, dir: project.dir });
    const failure = await removeProject(each, interrupted);
    if (failure) failures.push(failure);
    else if (each !== project) leaveRun(name);
  }
  return failures[0];
}

async function removeProject(project: Project, interrupted: boolean): Promise<Failure | undefined> {
  const deadline = performance.now() + PATIENCE;
  // A container that removes itself while compose removes it makes compose give up half way.
  for (let attempt = 1; ; attempt++) {
    const failed = await attemptDown(project, attempt).then(
      () => undefined,
      (error: Error) => error,
    );
    if (failed instanceof EngineError && failed.reason === 'no-daemon') return notRemoved(project, failed);
    const left = await settled(project.name, interrupted).catch((error: Error) => error);
    if (left instanceof Error) return notRemoved(project, left);
    if (left.length === 0) return undefined;
    if (performance.now() > deadline)
      return {
        reason: 'teardown',
        message: `Left behind by ${project.name}: ${left.join(', ')}${failed ? ` (${failed.message})` : ''}. Remove them with: make clean`,
      };
  }
}

async function attemptDown(project: Project, attempt: number): Promise<void> {
  if (attempt >= BY_FORCE) await removeByLabel(project.name);
  await project.down({ timeoutMs: DOWN_MS }).catch(async (error: unknown) => {
    if (!(error instanceof EngineError) || error.reason !== 'no-daemon') throw error;
    await eventually('the engine answers', engineAnswers, { within: ENGINE_PATIENCE, every: 500 }).catch(() => {
      throw error;
    });
    await project.down({ timeoutMs: DOWN_MS });
  });
}

/** What is left; after an interrupt, nothing only when nothing was there at two looks. */
async function settled(project: string, interrupted: boolean): Promise<string[]> {
  const left = await leftovers(project);
  if (left.length > 0 || !interrupted) return left;
  await new Promise((resolve) => setTimeout(resolve, PAUSE));
  return leftovers(project);
}

const notRemoved = (project: Project, error: Error): Failure => ({
  reason: 'teardown',
  message: `${project.name} could not be removed: ${error.message}. When the engine answers again, the next run removes it, as does: make clean`,
});

/**
 * Remove what carries a project's label, each kind in its turn. What vanishes meanwhile is no error here.
 * @param volumes whether they go, too
 */
export async function removeByLabel(project: string, volumes = true): Promise<void> {
  const filter = ['--filter', `label=com.docker.compose.project=${project}`];
  for (const [list, remove] of [
    [
      ['ps', '--all', '--quiet', ...ofProject(project)],
      ['rm', '--force', '--volumes'],
    ],
    [
      ['network', 'ls', '--quiet', ...filter],
      ['network', 'rm'],
    ],
    ...(volumes
      ? ([
          [
            ['volume', 'ls', '--quiet', ...filter],
            ['volume', 'rm'],
          ],
        ] as const)
      : []),
  ] as const) {
    const ids = await docker(list, { timeoutMs: 30_000 });
    if (ids !== '') await docker([...remove, ...ids.split('\n')], { timeoutMs: 60_000 }).catch(() => {});
  }
}

/** Containers, networks and volumes that carry a project's label. */
export async function leftovers(project: string): Promise<string[]> {
  const filter = ['--filter', `label=com.docker.compose.project=${project}`];
  const found = await Promise.all([
    docker(['ps', '--all', ...ofProject(project), '--format', 'container {{.Names}}'], { timeoutMs: 30_000 }),
    docker(['network', 'ls', ...filter, '--format', 'network {{.Name}}'], { timeoutMs: 30_000 }),
    docker(['volume', 'ls', ...filter, '--format', 'volume {{.Name}}'], { timeoutMs: 30_000 }),
  ]);
  return found.flatMap((lines) => (lines === '' ? [] : lines.split('\n')));
}

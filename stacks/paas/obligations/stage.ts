/** What the obligations share: the developer, the number of the next version, looks at the page. */
import * as assert from 'uvu/assert';
import type { Project } from '../../../scripts/lib/compose.ts';
import { eventually } from '#kit/testing/eventually.ts';
import type { Scenario, Stage } from '../../../scripts/scenario/scenario.ts';
import { Developer, type Files } from '../../../scripts/lib/developer.ts';
import { syncStatus, startTool, type Tool } from '../lib/inside.ts';
import type { VisitReport } from '../services/tools/src/visit.ts';
import { called, version } from '../lib/versions.ts';

export type Must = Scenario['must'];
export type { Stage };

/** Deadline for a version to be live, in milliseconds: many stacks may be running beside this one. */
const LIVE = 120_000;
const ANSWER = 5_000;

let developer: Developer | undefined;
let number = 0;
let live = 0;

/** The developer, with a clone. */
export async function developerOf(project: Project): Promise<Developer> {
  if (developer === undefined) {
    developer = new Developer(project);
    await developer.clone();
  }
  return developer;
}

/** The number of a new version. */
export const next = (): number => (number += 1);

/** The number of the good version that is live. */
export const current = (): number => live;

/** What a visitor from outside sees. */
export async function page({ port }: Pick<Stage, 'port'>): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${port('APP')}/`, {
    headers: { connection: 'close' },
    signal: AbortSignal.timeout(ANSWER),
  });
  const body = await answer.text();
  if (answer.status !== 200) throw new Error(`status ${answer.status}`);
  return body;
}

/**
 * Wait until the page is a good version, in all its parts.
 * @returns how long it took, in milliseconds
 */
export async function becomes(stage: Pick<Stage, 'port'>, which: number): Promise<number> {
  const begin = performance.now();
  await eventually(
    `the page is ${called(which)}`,
    async () => {
      const versions = new Set((await page(stage)).match(/Version \d+/g));
      if (versions.size !== 1) throw new Error(`it mixes ${[...versions].join(', ')}`);
      return versions.has(called(which)) || Promise.reject(new Error(`it is ${[...versions].join()}`));
    },
    { within: LIVE, every: 20 },
  );
  live = which;
  return Math.round(performance.now() - begin);
}

/**
 * Push a new version, and wait until it is the page.
 * @param make the files of a version by its number
 * @returns its commit, and how long it took after the push was accepted, in milliseconds
 */
export async function release(
  stage: Stage,
  make: (which: number) => Files = version,
): Promise<{ hash: string; ms: number }> {
  const which = next();
  const hash = await (await developerOf(stage.project)).publish(make(which));
  return { hash, ms: await becomes(stage, which) };
}

/**
 * Wait until the sidecar refuses a commit.
 * @param by what found it bad
 */
export async function refused(project: Project, hash: string, by: 'gate' | 'verification'): Promise<void> {
  const { refused: found } = await eventually(
    'the commit is refused',
    async () => {
      const status = await syncStatus(project);
      return status.refused?.hash === hash && status;
    },
    { within: LIVE, every: 100 },
  );
  assert.is(found?.by, by);
}

/** Visitors inside the stack's network, where a refused connection is seen as such. */
export const startVisitors = (project: Project): Promise<Tool<VisitReport>> =>
  startTool<VisitReport>(project, ['visit', 'http://app:3000/']);

/** Check that every visitor saw one of these versions, whole. */
export function sawOnly(report: VisitReport, ...versions: readonly number[]): void {
  assert.equal(report.mixed, [], 'answers with parts of different versions');
  assert.equal(report.failed, [], 'answers that were errors or cut');
  const allowed = versions.map(called);
  const others = Object.keys(report.versions).filter((seen) => !allowed.includes(seen));
  assert.equal(others, [], `versions other than ${allowed.join(', ')}`);
}

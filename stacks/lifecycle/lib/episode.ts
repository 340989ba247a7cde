/** Something happens to one container of the pod while visitors come and go; what of the others? */
import * as assert from 'uvu/assert';
import type { Project } from '../../../scripts/lib/compose.ts';
import { docker } from '../../../scripts/lib/engine.ts';
import { eventually } from '#kit/testing/eventually.ts';
import { certificate, fetchPage, startVisitors, type Miss } from './client.ts';
import { initEnd, LASTING, livesOf, millis, type Life, type Service } from './pod.ts';

export interface Episode {
  readonly project: Project;
  readonly port: number;
  /** Whom it happens to. */
  readonly service: Service;
  /** Makes it happen; resolves when the command that does it has ended. */
  readonly act: () => Promise<void>;
  /** What the container's log says as soon as it does its work again. */
  readonly back: RegExp;
  /** Deadline until it is back, in milliseconds. */
  readonly within?: number;
}

export interface Outcome {
  readonly before: Life;
  readonly after: Life;
  /** Requests that were answered, and those that were not. */
  readonly served: number;
  readonly misses: readonly Miss[];
  /** How long the container was away, in milliseconds: from the act to the log line that says that it is back. */
  readonly away: number;
}

/** Clocks of the machine and of the engine's log, and a request that was on its way, in milliseconds. */
const SLACK = 500;

/**
 * Make it happen, wait until the container is back, and check what holds whatever it was: everybody
 * else keeps start time, pid, restarts and namespaces; the one that came back is in the same
 * namespaces; the init container did not run again; and each request that failed did so while the
 * container was away.
 */
export async function episode({ project, port, service, act, back, within = 30_000 }: Episode): Promise<Outcome> {
  const ca = await certificate(project);
  await eventually('the pod serves', async () => (await fetchPage(port, ca)).status === 200, { within });
  const [before, init] = await Promise.all([livesOf(project, LASTING), initEnd(project)]);
  const visitors = startVisitors(port, ca);
  try {
    await eventually('visitors are served', () => visitors.served() > 20, { within });
    const from = Date.now();
    await act();
    const until = await eventually(`${service} is back`, () => saidSince(project, service, back, from), {
      within,
      every: 100,
    });
    const served = visitors.served();
    await eventually('visitors are served again', () => visitors.served() > served + 20, { within });
    const misses = await visitors.stop();
    const after = await livesOf(project, LASTING);
    const [was, is] = [before[service]!, after[service]!];
    assert.is.not(is.startedAt, was.startedAt, `${service} has begun a new life`);
    assert.is(is.network, was.network, 'in the same network namespace');
    assert.is(is.processes, was.processes, 'and the same pid namespace');
    assert.equal({ ...after, [service]: was }, before, 'lives of the others');
    assert.is(await initEnd(project), init, 'the init container did not run again');
    const stray = misses.filter(({ begin, end }) => end < from - SLACK || begin > until + SLACK);
    assert.equal(stray, [], `requests failed although ${service} was there (away from ${from} to ${until})`);
    return { before: was, after: is, served: visitors.served(), misses, away: until - from };
  } finally {
    await visitors.stop();
  }
}

/** When a container's log first said something after a moment, in milliseconds since the epoch. */
async function saidSince(project: Project, service: string, text: RegExp, since: number): Promise<number | undefined> {
  const id = await project.id(service);
  const log = await docker(['logs', '--timestamps', '--since', (since / 1000).toFixed(3), id], { timeoutMs: 30_000 });
  const line = log.split('\n').find((each) => text.test(each));
  return line === undefined ? undefined : millis(line.split(' ', 1)[0]!);
}

/** An outcome in a sentence. */
export const told = ({ served, misses, away }: Outcome): string =>
  `${served} requests answered, ${misses.length} not, all while it was away for ${(away / 1000).toFixed(1)} s; the others untouched`;

/** The sides: a shipper in a container that knows of nothing yet, and what it does and uses. */
import { setTimeout as pause } from 'node:timers/promises';
import { docker } from '../../lib/engine.ts';
import type { Project } from '../../lib/compose.ts';
import { eventually } from '#kit/testing/eventually.ts';
import { delays } from './delay.ts';
import type { VictoriaLogs } from './store.ts';
import { usage, type Usage } from './usage.ts';

/** By their services' names. */
export type Side = 'ours' | 'rsyslog' | 'filelog';

/** Lines a second at which the time until a line is found is measured. */
const RATE = 1000;
/** How often the store is asked then, in milliseconds. */
const EVERY = 20;
/** How long after its start an idle shipper is left alone: files that have just changed are looked at more often. */
const SETTLE = 15_000;
/** How long it is watched then, in milliseconds. */
const IDLE = 20_000;

/** A shipper that knows of nothing yet, started; and ended whatever happens. */
async function withShipper<T>(project: Project, side: Side, work: () => Promise<T>): Promise<T> {
  await project.compose(['up', '--detach', '--no-deps', '--force-recreate', '--no-start', side], { timeoutMs: 60_000 });
  try {
    return await work();
  } finally {
    await docker(['rm', '--force', await project.id(side)], { timeoutMs: 60_000 });
  }
}

/**
 * From the start of its container until the store has taken the last line in.
 * @returns the time in seconds, and what the shipper has used
 */
export async function ship(
  project: Project,
  store: VictoriaLogs,
  side: Side,
  lines: number,
): Promise<Usage & { took: number }> {
  return withShipper(project, side, async () => {
    const before = await store.rows();
    const started = performance.now();
    await docker(['start', await project.id(side)], { timeoutMs: 60_000 });
    const end = await eventually(
      `${side} has shipped ${lines} lines`,
      async () => (await store.rows()) - before >= lines && performance.now(),
      { within: 180_000, every: 50 },
    );
    return { took: (end - started) / 1000, ...(await usage(project, side)) };
  });
}

/**
 * From a line's being written to a file until a query finds it.
 * @param name of the file, which no other measurement has: the store still holds what was in theirs
 * @returns milliseconds of each line
 */
export async function visible(
  project: Project,
  store: VictoriaLogs,
  side: Side,
  name: string,
  seconds: number,
): Promise<number[]> {
  const file = `/logs/${name}.log`;
  const lines = RATE * seconds;
  const within = (seconds + 60) * 1000;
  return withShipper(project, side, async () => {
    // The only file: what was in others is not to be shipped first.
    await project.exec('writer', ['bash', '-c', 'rm -f /live/*']);
    await project.exec('writer', ['write-lines', `/live/${name}.log`, '1', '1']);
    await docker(['start', await project.id(side)], { timeoutMs: 60_000 });
    await eventually('the first line is there', async () => (await store.lines(file, 1)).length === 1);
    const [measured] = await Promise.all([
      delays({ first: 2, last: lines + 1, find: (from) => store.lines(file, from), within, every: EVERY }),
      project.exec('writer', ['write-lines', `/live/${name}.log`, '2', String(lines), String(RATE)], {
        timeoutMs: within,
      }),
    ]);
    return [...measured.values()];
  });
}

/**
 * The same without a shipper: lines that say that they were written a known time before they are put into the store.
 * @param age in milliseconds; what is measured must be that, and what putting and finding take
 */
export async function knownDelay(store: VictoriaLogs, name: string, age: number): Promise<number[]> {
  const file = `/logs/${name}.log`;
  const count = 50;
  const putting = async (): Promise<void> => {
    for (let seq = 1; seq <= count; seq++) {
      await store.put(file, [{ seq, written: Date.now() - age }]);
      await pause(EVERY);
    }
  };
  const find = (from: number) => store.lines(file, from);
  const [measured] = await Promise.all([
    delays({ first: 1, last: count, find, within: 60_000, every: EVERY }),
    putting(),
  ]);
  return [...measured.values()];
}

/**
 * What a shipper uses that has nothing to do.
 * @returns processor time in percent of one core, and memory in MB
 */
export async function idle(project: Project): Promise<{ percent: number; rss: number; pss: number }> {
  const side = 'ours';
  return withShipper(project, side, async () => {
    await docker(['start', await project.id(side)], { timeoutMs: 60_000 });
    await pause(SETTLE);
    const before = await usage(project, side);
    await pause(IDLE);
    const after = await usage(project, side);
    return { percent: ((after.cpu - before.cpu) / (IDLE / 1000)) * 100, rss: after.rss, pss: after.pss };
  });
}

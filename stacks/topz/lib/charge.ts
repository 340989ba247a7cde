/** Use of the processor as topz tells it, beside what the scheduler charged. */
import * as assert from 'uvu/assert';
import { eventually, steadily } from '#kit/testing/eventually.ts';
import type { Stage } from '../../../scripts/scenario/scenario.ts';
import { processesOf, type Topz } from './client.ts';
import { charges, chargedAt } from './inside.ts';

/** Percent of a processor that tell a busy process from an idle one. */
const BUSY = 3;

/**
 * Compare, window by window.
 * @param name of the container whose first process is busy
 */
export async function compareCharges(stage: Stage, topz: Topz, name: string): Promise<void> {
  const { project, say } = stage;
  const { pid } = processesOf(await topz.overview(), name)[0]!;
  const windows = await eventually(
    'four windows could be compared, in one of which it is busy',
    async () => {
      const reading = charges(project, 'apache', pid, 8);
      const looks: { to: number; window: number; percent: number }[] = [];
      await steadily(
        async () => {
          const { uptime_seconds: to, window_seconds: window, processes } = await topz.overview();
          const percent = processes.find((process) => process.pid === pid)?.cpu_percent;
          if (window !== null && percent !== null && percent !== undefined) looks.push({ to, window, percent });
        },
        8000,
        1000,
      );
      const readings = await reading;
      const compared = looks.flatMap(({ to, window, percent }) => {
        const [end, begin] = [chargedAt(readings, to), chargedAt(readings, to - window)];
        if (end === undefined || begin === undefined) return [];
        return [{ percent, charged: ((end - begin) / 1e9 / window) * 100 }];
      });
      // A machine with much else to do leaves it next to nothing in some of them.
      return compared.length >= 4 && compared.some(({ charged }) => charged > BUSY) && compared;
    },
    { within: 100_000 },
  );
  const told = windows.map(({ percent, charged }) => `${percent} of ${charged.toFixed(1)}`).join(', ');
  for (const { percent, charged } of windows) {
    // On a machine that leaves it a few percent, the two ticks at a window's ends are more than 10 %.
    const tolerance = Math.max(0.1 * charged, 2);
    assert.ok(Math.abs(percent - charged) <= tolerance, `topz and the scheduler, in percent: ${told}`);
  }
  say(`topz and the scheduler, in percent of a processor: ${told}`);
}

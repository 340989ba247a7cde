/**
 * Print the first seed that fails, of so many, and of which disk: `node first-red.ts COUNT [FIRST] [DISK]`. Nothing is
 * printed when none does. DISK is `own`, as the seed says, or `bad`: every fiftieth call about logs fails; without it
 * each seed is run on both.
 */
import '#kit/testing/simulation/install.ts';
import { FIRST } from './defects.ts';
import { scenarioOf, simulate, type Scenario } from './run.ts';

const BAD = 0.02;

const DISKS: Readonly<Record<string, (seed: number) => Partial<Scenario>>> = {
  own: () => ({}),
  bad: (seed) => ({ disk: { ...scenarioOf(seed).disk, unreadable: BAD } }),
};

const [count = '1000', first = String(FIRST), only] = process.argv.slice(2);

async function find(): Promise<string | undefined> {
  for (let seed = Number(first); seed < Number(first) + Number(count); seed++)
    for (const [disk, change] of Object.entries(DISKS)) {
      if (only !== undefined && only !== disk) continue;
      const { problems } = await simulate(seed, { change: change(seed) });
      if (problems.length > 0) return `${seed} ${disk}`;
    }
  return undefined;
}

const found = await find();
if (found !== undefined) console.log(found);

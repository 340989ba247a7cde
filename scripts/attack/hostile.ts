/** The hostile clients' process, in the pod: `node hostile.ts SUITE SEED SECONDS ATTACK…`, one attack after the other. */
import { Random } from './random.ts';
import { loadSuite } from './suite.ts';

/** The report, which is the last line. */
export interface AttackReport {
  readonly rounds: Readonly<Record<string, number>>;
  readonly successes: readonly string[];
}

const [name = '', seed = '1', seconds = '5', ...attacks] = process.argv.slice(2);
const suite = await loadSuite(name);
const random = new Random(Number(seed));
/** By attack. */
const rounds: Record<string, number> = {};
/** What attacks got that they must not get. */
const successes: string[] = [];
for (const each of attacks) {
  const attack = suite.attacks[each];
  if (attack === undefined) throw new Error(`${name} has no attack ${each}`);
  rounds[each] = 0;
  // Unlike the timer of AbortSignal.timeout, this one keeps the process alive.
  const time = new AbortController();
  setTimeout(() => time.abort(), Number(seconds) * 1000);
  const { signal } = time;
  try {
    while (!signal.aborted) {
      await attack({ random, signal });
      rounds[each]++;
    }
  } catch (error) {
    successes.push(`${each}: ${(error as Error).message}`);
    time.abort();
  }
}
console.log(JSON.stringify({ rounds, successes } satisfies AttackReport));
// Whatever an attack left open ends with it.
process.exit(0);

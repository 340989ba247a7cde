/** The hostile clients' process, in the pod: `node hostile.ts SUITE ATTACK SEED SECONDS`. */
import { Random } from './random.ts';
import { loadSuite } from './suite.ts';

const [name = '', attackName = '', seed = '1', seconds = '5'] = process.argv.slice(2);
const suite = await loadSuite(name);
const attack = suite.attacks[attackName];
if (attack === undefined) throw new Error(`${name} has no attack ${attackName}`);
const random = new Random(Number(seed));
// Unlike the timer of AbortSignal.timeout, this one keeps the process alive.
const time = new AbortController();
setTimeout(() => time.abort(), Number(seconds) * 1000);
const { signal } = time;
let rounds = 0;
while (!signal.aborted) {
  await attack({ random, signal });
  rounds++;
}
console.log(JSON.stringify({ rounds }));
// Whatever an attack left open ends with it.
process.exit(0);

/** Print the first seed that fails, of so many: `node first-red.ts COUNT`. Nothing is printed when none does. */
import '#kit/testing/simulation/install.ts';
import { simulate } from './run.ts';

/** From here on, those that `npm test` runs are green without a defect. */
const FIRST = 1001;

const [count = 1000] = process.argv.slice(2).map(Number);
for (let seed = FIRST; seed < FIRST + count; seed++) {
  const { problems } = await simulate(seed);
  if (problems.length === 0) continue;
  console.log(seed);
  break;
}

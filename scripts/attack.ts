/** `npm run attack -- NAME`: hostile clients against a sidecar in its container, with a good client beside them. */
import { parseArgs } from 'node:util';
import { runSuite } from './attack/run.ts';
import { suiteNames } from './attack/suite.ts';
import { catchSignals } from './lib/interrupt.ts';

const names = suiteNames();

const HELP = `Attack a sidecar as a container with the catalogue's memory limit. A good client beside
the hostile ones must be served, memory stays below the limit, and counts return to zero.

usage: npm run attack -- NAME [options] [ATTACK…]

suites: ${names.join(', ')}

  --seed N       what attacks choose (default: another one each time; it is printed)
  --seconds S    length of each attack (default 10)
  --minutes M    go on with further seeds for so long (default: each attack once)
  --help
`;

const { values, positionals } = parseArgs({
  args: process.argv.slice(2),
  options: {
    seed: { type: 'string' },
    seconds: { type: 'string', default: '10' },
    minutes: { type: 'string', default: '0' },
    help: { type: 'boolean', default: false },
  },
  allowPositionals: true,
});
const [name = '', ...attacks] = positionals;
const numbers = [values.seconds, values.minutes, values.seed ?? '0'];
if (values.help || !names.includes(name) || !numbers.every((each) => /^\d{1,9}$/.test(each))) {
  process.stdout.write(HELP);
  process.exit(values.help ? 0 : 2);
}
const { signal, exitCode } = catchSignals(() => {});
const end = performance.now() + Number(values.minutes) * 60_000;
let seed = values.seed === undefined ? Math.floor(Math.random() * 1e9) : Number(values.seed);
let failed = 0;
try {
  do {
    process.stdout.write(`seed ${seed}\n`);
    const verdicts = await runSuite(name, {
      attacks,
      seed: seed++,
      seconds: Number(values.seconds),
      signal,
      progress: (line) => process.stdout.write(`${line}\n`),
    });
    failed += verdicts.filter(({ faults }) => faults.length > 0).length;
  } while (failed === 0 && performance.now() < end);
} catch (error) {
  if (!signal.aborted) throw error;
}
process.exit(exitCode() ?? (failed > 0 ? 1 : 0));

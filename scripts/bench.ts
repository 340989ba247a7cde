/** `npm run bench -- NAME`: measure ours beside what people would use instead. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { table, type Bench } from './bench/measurement.ts';
import { catchSignals } from './lib/interrupt.ts';

const DIR = join(import.meta.dirname, 'bench');
const names = readdirSync(DIR, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name)
  .toSorted();

const HELP = `Measure ours beside what people would use instead, alternating in one run on this
machine; the medians are printed.

usage: npm run bench -- NAME [options]

benchmarks: ${names.join(', ')}

  --json         one object a line: bench, metric, ours, peer, theirs, ratio
                 (above 1 means that ours is better)
  --rounds N     how often each side is measured (default 5)
  --seconds S    length of one load (default 4)
  --help
`;

const { values, positionals } = parseArgs({
  args: process.argv.slice(2),
  options: {
    json: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '4' },
    help: { type: 'boolean', default: false },
  },
  allowPositionals: true,
});
const [name] = positionals;
if (
  values.help ||
  positionals.length !== 1 ||
  !names.includes(name!) ||
  !/^[1-9]\d?$/.test(values.rounds) ||
  !/^[1-9]\d?$/.test(values.seconds)
) {
  process.stdout.write(HELP);
  process.exit(values.help ? 0 : 2);
}
const { signal, exitCode } = catchSignals(() => {});
const { bench } = (await import(join(DIR, name!, 'bench.ts'))) as { bench: Bench };
try {
  const measurements = await bench({
    rounds: Number(values.rounds),
    seconds: Number(values.seconds),
    signal,
    progress: (line) => process.stderr.write(`${line}\n`),
  });
  const lines = values.json
    ? measurements.map(({ target: _target, reached: _reached, ...rest }) => JSON.stringify(rest))
    : [table(measurements)];
  process.stdout.write(`${lines.join('\n')}\n`);
} catch (error) {
  if (!signal.aborted) throw error;
}
process.exit(exitCode() ?? 0);

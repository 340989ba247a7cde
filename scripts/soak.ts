/** `npm run soak`: what is too heavy by nature for `npm test`: large loads, long attacks, many random cases. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { suiteNames } from './attack/suite.ts';
import { catchSignals } from './lib/interrupt.ts';
import { ROOT } from './lib/stacks.ts';

interface Part {
  readonly what: string;
  /** Arguments of node. */
  readonly command: (minutes: number) => readonly string[];
  readonly env?: (minutes: number) => Readonly<Record<string, string>>;
}

/** Random cases of the rotation model in a minute, roughly, so that --minutes means something. */
const CASES_A_MINUTE = 200;

/** Seeds of the simulation in a minute, roughly. */
const SEEDS_A_MINUTE = 5000;

const PARTS: Readonly<Record<string, Part>> = {
  logs: {
    what: 'the logs stack with 300 files at 20,000 lines a second',
    command: () => ['scripts/run.mjs', 'stack', 'logs'],
    env: () => ({ MANY_FILES: '300', MANY_RATE: '20000' }),
  },
  'shipper-seeds': {
    what: 'fresh seeds of the simulation of the log shipper, on all processors; a million in some 200 minutes of two',
    command: (minutes) => [
      'sidecars/log-shipper/src/testing/simulation/soak.ts',
      String(1_000_000 + Math.floor(Math.random() * 1_000_000_000)),
      String(minutes * SEEDS_A_MINUTE),
    ],
  },
  rotation: {
    what: "fresh cases of the log shipper's model of rotation",
    command: () => ['sidecars/log-shipper/src/files/rotation.model.test.ts'],
    env: (minutes) => ({ MODEL_RUNS: String(minutes * CASES_A_MINUTE) }),
  },
  'ambassador-crowd': {
    what: '5,000 clients of the ambassador, 1,000 of them waiting: what they needed comes back',
    command: () => ['sidecars/ambassador/src/crowd.test.ts'],
    env: () => ({ CROWD_CLIENTS: '5000' }),
  },
  'valkey-suite': {
    what: "Valkey's own tests against the ambassador with one and with three servers",
    command: () => ['scripts/soak/valkey-suite/run.ts'],
  },
  ...Object.fromEntries(
    suiteNames().map((name): [string, Part] => [
      `attack-${name}`,
      {
        what: `attacks on ${name} with one seed after another`,
        command: (minutes) => ['scripts/run.mjs', 'attack', name, '--minutes', String(minutes)],
      },
    ]),
  ),
};

const HELP = `Run what is too heavy for npm test: large loads, long attacks, many random cases.

usage: npm run soak -- [PART…] [--minutes M]

${Object.entries(PARTS)
  .map(([name, { what }]) => `  ${name.padEnd(18)} ${what}`)
  .join('\n')}

  --minutes M  for each part that goes on by itself (default 10)
  --help

exit code: 0 when every part passed
`;

const { values, positionals } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, help: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const chosen = positionals.length > 0 ? positionals : Object.keys(PARTS);
if (values.help || !chosen.every((name) => Object.hasOwn(PARTS, name)) || !/^[1-9]\d{0,3}$/.test(values.minutes)) {
  process.stdout.write(HELP);
  process.exit(values.help ? 0 : 2);
}

const interrupt = catchSignals(() => {});
const failed: string[] = [];
let passed = 0;
for (const name of chosen) {
  if (interrupt.signal.aborted) break;
  const { what, command, env } = PARTS[name]!;
  process.stdout.write(`\n# ${name}: ${what}\n`);
  const minutes = Number(values.minutes);
  const child = spawn(process.execPath, [...command(minutes)], {
    cwd: ROOT,
    stdio: 'inherit',
    // A terminal sends its Ctrl-C to this process alone, which passes it on once.
    detached: true,
    env: { ...process.env, ...env?.(minutes) },
  });
  const end = (): void => void child.kill('SIGTERM');
  interrupt.signal.addEventListener('abort', end, { once: true });
  const [code] = (await once(child, 'exit')) as [number | null];
  interrupt.signal.removeEventListener('abort', end);
  if (code === 0) passed++;
  else failed.push(name);
}
process.stdout.write(`\n${passed} passed, ${failed.length} failed\n`);
for (const name of failed) process.stdout.write(`FAILED ${name}\n`);
process.exit(interrupt.exitCode() ?? (failed.length > 0 ? 1 : 0));

/** `make demo-NAME`: walk through a stack's scenario, a sentence a step, and leave it up. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { chalk } from 'zx/core';
import { freePorts } from '#kit/testing/ports.ts';
import { takenLines, takenPorts } from './demo/ports.ts';
import { thisClone } from './lib/clone.ts';
import { catchSignals } from './lib/interrupt.ts';
import { findStack, stackNames } from './lib/stacks.ts';
import { exitCodeOf } from './runner/events.ts';
import { reachLines } from './runner/reach.ts';
import { demoReporter } from './runner/report/demo.ts';
import { runAll } from './runner/run-all.ts';

const HELP = `Walk through a stack's scenario, a sentence a step, and leave it up on the
ports that its .env pins.

usage: make demo-NAME
       npm run demo -- NAME [--ports free]

  --ports free   free ports instead of those that are taken

stacks: ${stackNames().join(', ')}
`;

const [name, ...rest] = process.argv.slice(2);
const free = rest.join(' ').replace('=', ' ') === '--ports free';
if (name === undefined || name.startsWith('-') || (rest.length > 0 && !free)) {
  process.stdout.write(HELP);
  process.exit(name === '--help' ? 0 : 2);
}
const print = (line: string): void => void process.stdout.write(`${line}\n`);
const stack = (() => {
  try {
    return findStack(name);
  } catch (error) {
    process.stderr.write(`demo: ${(error as Error).message}\n`);
    process.exit(2);
  }
})();
await findPorts();
const interrupt = catchSignals((left) =>
  process.stderr.write(`Tearing down; ${left} more to leave at once, with everything still up.\n`),
);
print(`\n${chalk.bold(`sidecar-stacks · ${name}`)}\n`);
for (const line of picture(join(stack.dir, 'compose.yaml'))) print(`  ${line}`);
print('');
const results = await runAll([stack], {
  jobs: 1,
  keep: 'when-ok',
  pinned: true,
  checks: true,
  timeout: 600_000,
  signal: interrupt.signal,
  reporters: [demoReporter(print)],
});
for (const result of results) if (result.kept && result.ok) for (const line of await reachLines(result)) print(line);
process.exit(interrupt.exitCode() ?? exitCodeOf(results));

/** Before anything is built: are the ports there? Those that are not are named, or replaced where that is asked for. */
async function findPorts(): Promise<void> {
  const wanted = stack.portVariables.map(
    (variable) => [variable, process.env[variable] ?? stack.env[variable]!] as const,
  );
  // Where no engine answers, no container of ours holds one.
  const suffix = await thisClone().then(
    (clone) => clone.suffix,
    () => '',
  );
  const taken = await takenPorts(Object.fromEntries(wanted), `sidecar-stacks-${stack.name}${suffix}`);
  if (taken.length === 0) return;
  const others = await freePorts(taken.length);
  if (!free) {
    for (const line of takenLines(stack.name, taken, others)) print(line);
    process.exit(1);
  }
  for (const [at, { variable, port }] of taken.entries()) {
    process.env[variable] = String(others[at]);
    print(`${variable}=${others[at]} instead of ${port}, which is taken`);
  }
}

/** The comment that a compose file begins with: what the stack is, drawn. */
function picture(file: string): string[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines
    .slice(
      0,
      lines.findIndex((line) => !line.startsWith('#')),
    )
    .map((line) => line.replace(/^# ?/, ''));
}

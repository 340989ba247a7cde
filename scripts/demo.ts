/** `make demo-NAME`: walk through a stack's scenario, a sentence a step, and leave it up. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { chalk } from 'zx/core';
import { catchSignals } from './lib/interrupt.ts';
import { findStack, stackNames } from './lib/stacks.ts';
import { exitCodeOf } from './runner/events.ts';
import { reachLines } from './runner/reach.ts';
import { demoReporter } from './runner/report/demo.ts';
import { runAll } from './runner/run-all.ts';

const HELP = `Walk through a stack's scenario, a sentence a step, and leave it up on the
ports that its .env pins.

usage: make demo-NAME
       npm run demo -- NAME

stacks: ${stackNames().join(', ')}
`;

const [name, ...rest] = process.argv.slice(2);
if (name === undefined || name.startsWith('-') || rest.length > 0) {
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

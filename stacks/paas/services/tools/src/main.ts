/**
 * Programs that the scenario runs inside the stack's network. Each goes on until the file
 * /tmp/stop-NAME appears, and prints what it saw as JSON.
 */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { fault, type Fault } from './fault.ts';
import { visit } from './visit.ts';
import { watch } from './watch.ts';

const USAGE = `usage: tools visit URL
       tools watch LINK
       tools fault refuse|slow|garbage PORT
`;

/** How often the stop file is looked for, in milliseconds. */
const LOOK = 20;

const [program = '', first = '', second = ''] = process.argv.slice(2);
const programs: Record<string, (signal: AbortSignal) => Promise<unknown>> = {
  visit: (signal) => visit(first, signal),
  watch: (signal) => watch(first, signal),
  fault: (signal) => fault(first as Fault, Number(second), signal),
};
const run = programs[program];
if (run === undefined || first === '') {
  process.stderr.write(USAGE);
  process.exit(2);
}
const file = `/tmp/stop-${program}`;
await rm(file, { force: true });
const controller = new AbortController();
const timer = setInterval(() => {
  if (existsSync(file)) controller.abort();
}, LOOK);
const report = await run(controller.signal);
clearInterval(timer);
process.stdout.write(`${JSON.stringify(report)}\n`);

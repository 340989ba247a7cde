/**
 * Programs that the scenario runs inside the stack's network. Each makes the file /tmp/begun-NAME when
 * it is at work, goes on until /tmp/stop-NAME appears, and prints what it saw as JSON.
 */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
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
const programs: Record<string, (stop: AbortSignal, begun: () => void) => Promise<unknown>> = {
  visit: (stop, begun) => visit(first, stop, begun),
  watch: (stop, begun) => watch(first, stop, begun),
  fault: (stop, begun) => fault(first as Fault, Number(second), stop, begun),
};
const run = programs[program];
if (run === undefined || first === '') {
  process.stderr.write(USAGE);
  process.exit(2);
}
const [begun, stop] = [`/tmp/begun-${program}`, `/tmp/stop-${program}`];
rmSync(stop, { force: true });
const controller = new AbortController();
const timer = setInterval(() => {
  if (existsSync(stop)) controller.abort();
}, LOOK);
const report = await run(controller.signal, () => writeFileSync(begun, ''));
clearInterval(timer);
rmSync(begun, { force: true });
process.stdout.write(`${JSON.stringify(report)}\n`);

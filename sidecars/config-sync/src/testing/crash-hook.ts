/**
 * Loaded before the sidecar: kills it the hard way just before its Nth step on disk (CRASH_AT) after
 * the file CRASH_ARMED has come to be. Between two such steps it only talks to others.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const at = Number(process.env['CRASH_AT']);
const armed = process.env['CRASH_ARMED']!;
let steps = 0;

const step = (): void => {
  if (!fs.existsSync(armed)) return;
  steps += 1;
  if (steps === at) process.kill(process.pid, 'SIGKILL');
};

for (const name of ['open', 'writeFile', 'rename', 'unlink', 'mkdir'] as const) {
  const original = fs.promises[name] as (...args: unknown[]) => Promise<unknown>;
  Object.assign(fs.promises, {
    [name]: (...args: unknown[]) => {
      step();
      return original.apply(fs.promises, args);
    },
  });
}
syncBuiltinESMExports();

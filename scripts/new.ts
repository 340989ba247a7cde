/** `npm run new -- sidecar|stack NAME`: what "Write a sidecar" and "Write a stack" in the README describe. */
import { run } from './lib/run.ts';
import { ROOT } from './lib/stacks.ts';
import { newSidecar } from './new/sidecar.ts';
import { newStack } from './new/stack.ts';
import { Refused } from './new/template.ts';

const HELP = `Begin a sidecar or a stack with something that works, to be replaced bit by bit.

usage: npm run new -- sidecar NAME
       npm run new -- stack NAME [SIDECAR]

sidecar  sidecars/NAME with contract, program, test, Dockerfile and README, and
         its part in the catalogue (compose.yaml)
stack    stacks/NAME with compose.yaml, .env, scenario, README and an app of its
         own beside SIDECAR (topz where none is named), its scripts in
         package.json and its demo in the Makefile

  NAME   small letters, digits and dashes, at most 30

exit code: 0 done, 1 nothing was written, 2 for a wrong command line
`;

const [kind, name, sidecar, ...rest] = process.argv.slice(2);
if (kind === '--help') {
  process.stdout.write(HELP);
  process.exit(0);
}
if (
  !['sidecar', 'stack'].includes(kind ?? '') ||
  name === undefined ||
  rest.length > 0 ||
  (kind === 'sidecar' && sidecar !== undefined)
) {
  process.stderr.write(HELP);
  process.exit(2);
}
try {
  const { written, next } = kind === 'sidecar' ? newSidecar(ROOT, name) : newStack(ROOT, name, sidecar ?? 'topz');
  if (kind === 'sidecar') {
    const { exitCode, stderr } = await run(process.execPath, ['scripts/contract.ts', 'write', name], { cwd: ROOT });
    if (exitCode !== 0) throw new Refused(stderr.trim());
    written.push(`sidecars/${name}/contract.json`);
  }
  process.stdout.write([...written.map((file) => `  wrote ${file}`), '', ...next, ''].join('\n'));
} catch (error) {
  if (!(error instanceof Refused)) throw error;
  process.stderr.write(`new: ${error.message}\n`);
  process.exitCode = 1;
}

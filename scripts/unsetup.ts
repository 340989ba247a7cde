import { catchSignals } from './lib/interrupt.ts';
import { readFlags } from './lib/arguments.ts';
import { formatFindings } from './lib/findings.ts';
import { RECORD } from './setup/changes/record.ts';
import { undo } from './setup/undo.ts';
import { SetupError } from './setup/lib/setup-error.ts';

const HELP = `usage: make unsetup  |  npm run unsetup -- [--dry-run]

Takes back what setup changed on this machine, and nothing else: packages that
it installed, apt's source and pin, the engine that it started or enabled at
boot. Setup writes that down in ${RECORD}.
An engine that was here before is not touched. What is in the repository, and
images and containers of ours, is removed by: make clean (do that first)

  --dry-run   only say what would be done

Exit code
  0 taken back, or there was nothing   1 a step failed   2 somebody still uses it, or wrong usage
`;

const dryRun = readFlags(HELP, ['dry-run']).has('dry-run');
const interrupt = catchSignals(() => console.error('  Stopping; once more to stop at once'));
try {
  const findings = await undo({ dryRun, signal: interrupt.signal });
  console.log(findings.length === 0 ? '  Setup changed nothing on this machine.' : formatFindings(findings).join('\n'));
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error([`  ✗ ${error.message}`, ...error.advice.map((line) => `    ${line}`)].join('\n'));
  process.exitCode = interrupt.exitCode() ?? error.exitCode;
}

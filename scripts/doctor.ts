import { chalk } from 'zx/core';
import { readFlags } from './lib/arguments.ts';
import { diagnose } from './doctor/diagnosis.ts';
import { inspect } from './doctor/inspect.ts';
import { judgePods, listPodContainers } from './doctor/pods.ts';
import { formatFindings } from './lib/findings.ts';

const HELP = `usage: make doctor  |  npm run doctor

Prints what a stack needs and what of it is here, with the command that fixes
what is missing; and pods that are not whole, with the command that heals them.
Changes nothing.

Exit code
  0 a stack could run   1 something is missing   2 wrong usage
`;

readFlags(HELP);
process.exitCode = await main();

async function main(): Promise<number> {
  const inspection = await inspect();
  const up = inspection.facts.daemon.state === 'up';
  const pods = up ? judgePods(await listPodContainers().catch(() => [])) : [];
  const findings = [...diagnose(inspection), ...pods];
  console.log(formatFindings(findings).join('\n'));
  const bad = findings.filter(({ mark }) => mark === 'bad').map(({ name }) => name);
  console.log(
    bad.length === 0 ? chalk.green('\n  A stack can run.') : chalk.red(`\n  No stack can run yet: ${bad.join(', ')}.`),
  );
  return bad.length === 0 ? 0 : 1;
}

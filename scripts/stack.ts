/** `npm run stack -- NAME…`: bring stacks up, check their obligations, tear them down. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { parseArgs } from 'node:util';
import { catchSignals } from './lib/interrupt.ts';
import { findStack, stackNames, stacksDir, UnknownStack, type Stack } from './lib/stacks.ts';
import { exitCodeOf, type Reporter } from './runner/events.ts';
import { reachLines } from './runner/reach.ts';
import { workflowReporters } from './runner/report/workflow.ts';
import { jsonReporter } from './runner/report/json.ts';
import { junitReporter } from './runner/report/junit.ts';
import { plainReporter } from './runner/report/plain.ts';
import { DEFAULT_JOBS } from './runner/jobs.ts';
import { runAll } from './runner/run-all.ts';
import { ON } from './runner/run-stack.ts';

const HELP = `Bring stacks up, check their obligations, tear them down.

usage: npm run stack -- NAME… | all [options]
       npm run stack:NAME

  --keep          leave the stacks up, and say how to reach them
  --on podman     as exported to Kubernetes, played by podman in a container,
                  instead of docker compose
  --on kubernetes as exported, on the cluster of kubectl's current context, in a
                  namespace of its own; npm run kubernetes -- up makes a cluster
  --context NAME  another context of kubectl, also one that is not this machine
  --proxy NAME    with stacks/mesh/NAME.yaml laid over the mesh: envoy for Envoy
                  beside every app, mixed for half of each (also MESH_PROXY=NAME)
  --jobs N        how many stacks run at the same time (default: three for each
                  two processors)
  --timeout S     seconds that bringing up, and the scenario, may each take
                  (default 600)
  --junit FILE    write a JUnit XML report
  --json          print every event as one JSON object a line
  --verbose       also print what the scenarios print
  --no-checks     bring up and tear down only
  --help

exit code: 0 when every check ran and passed, 1 when not, 2 for a wrong command
line, and where something has to be installed first (an engine, its docker
command), 128 + n after signal n
`;

const options = {
  keep: { type: 'boolean', default: false },
  on: { type: 'string', default: 'compose' },
  context: { type: 'string' },
  proxy: { type: 'string', default: process.env['MESH_PROXY'] ?? '' },
  jobs: { type: 'string', default: String(DEFAULT_JOBS) },
  timeout: { type: 'string', default: '600' },
  junit: { type: 'string' },
  json: { type: 'boolean', default: false },
  verbose: { type: 'boolean', default: false },
  checks: { type: 'boolean', default: true },
  help: { type: 'boolean', default: false },
} as const;

function commandLine() {
  try {
    const { values, positionals } = parseArgs({
      args: process.argv.slice(2),
      options,
      allowPositionals: true,
      allowNegative: true,
    });
    if (values.help) {
      process.stdout.write(HELP);
      process.exit(0);
    }
    if (positionals.length === 0) throw new Error(`Which stack? One of: ${stackNames().join(', ')}, or all.`);
    const names = positionals.includes('all') ? stackNames() : [...new Set(positionals)];
    if (names.length === 0) throw new Error(`There is no stack in ${stacksDir()}: nothing would be checked.`);
    const on = ON.find((each) => each === values.on);
    if (on === undefined) throw new Error(`--on takes ${ON.join(' or ')}, not ${JSON.stringify(values.on)}.`);
    const stacks = names.map((name) => findStack(name));
    if (values.proxy !== '') overlay(stacks, values.proxy);
    return {
      ...values,
      on,
      stacks,
      jobs: positive('jobs', values.jobs),
      timeout: positive('timeout', values.timeout) * 1000,
    };
  } catch (error) {
    process.stderr.write(
      `stack: ${(error as Error).message}${error instanceof UnknownStack ? '' : '\nSee: npm run stack -- --help'}\n`,
    );
    process.exit(2);
  }
}

function positive(name: string, text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text))
    throw new Error(`--${name} takes a whole number from 1 on, not ${JSON.stringify(text)}.`);
  return Number(text);
}

/**
 * Another proxy in place of ours: what runs compose finds the files in the environment, and so does the scenario.
 * @throws {Error} where it is not the mesh alone that is to run, or there is no such file
 */
function overlay(stacks: readonly Stack[], proxy: string): void {
  const [stack, ...others] = stacks;
  if (stack?.name !== 'mesh' || others.length > 0) throw new Error('--proxy is for the stack mesh alone.');
  if (!/^[a-z]+$/.test(proxy) || !existsSync(join(stack.dir, `${proxy}.yaml`)))
    throw new Error(`--proxy takes envoy or mixed, not ${JSON.stringify(proxy)}.`);
  process.env['MESH_PROXY'] = proxy;
  process.env['COMPOSE_FILE'] = ['compose.yaml', 'compose.override.yaml', `${proxy}.yaml`].join(delimiter);
}

const { stacks, ...chosen } = commandLine();
const print = (line: string): void => void process.stdout.write(`${line}\n`);
const interrupt = catchSignals((left) =>
  process.stderr.write(`Tearing down; ${left} more to leave at once, with everything still up.\n`),
);
const live = process.stdout.isTTY && !process.env['CI'];
const reporters: Reporter[] = [
  chosen.json
    ? jsonReporter(print)
    : live
      ? (await import('./runner/report/live.ts')).liveReporter({
          stream: process.stdout,
          several: stacks.length > 1,
          verbose: chosen.verbose,
        })
      : plainReporter(print, chosen.verbose),
  ...(chosen.junit === undefined ? [] : [junitReporter(chosen.junit)]),
  ...(chosen.json ? [] : workflowReporters(print)),
];
const results = await runAll(stacks, {
  ...chosen,
  keep: chosen.keep ? 'always' : 'never',
  pinned: false,
  signal: interrupt.signal,
  reporters,
});
if (!chosen.json)
  for (const result of results) if (result.kept) for (const line of await reachLines(result)) print(line);
process.exit(interrupt.exitCode() ?? exitCodeOf(results));

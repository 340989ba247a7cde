/** `npm test`: types, lint, unit tests, contracts, READMEs, the runner's own tests, every stack. */
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { catchSignals } from './lib/interrupt.ts';
import { lastLines, run } from './lib/run.ts';
import { findStack, ROOT, stackNames } from './lib/stacks.ts';
import { workflowReporters } from './runner/report/workflow.ts';
import { plainReporter } from './runner/report/plain.ts';
import { DEFAULT_JOBS } from './runner/jobs.ts';
import { longestFirst, noteDurations, readDurations } from './runner/durations.ts';
import { runAll } from './runner/run-all.ts';
import { buildServers } from './setup/servers.ts';
import { setup } from './setup/setup.ts';
import { places } from '../workshop/lessons/exercise.ts';
import { verify } from '../workshop/commands/verify.ts';
import { changedSince, reachedBy, treeOf } from './test/changed.ts';
import { checkReadmes } from './test/readme.ts';
import { Recap } from './test/recap.ts';
import { sum, tally, type Tally } from './test/tally.ts';
import { TimeLimit } from './test/time-limit.ts';
import { runFile } from './test/uvu.ts';

const HELP = `Check everything: types, lint, unit tests, contracts, READMEs, the runner, and
every stack on a real engine.

usage: npm test [-- options] [FILE…]
       npm test -- --changed [REF] [--unit]

  FILE…       only these test files
  --changed   only what the change since a git ref (default: HEAD) can reach:
              types, lint, tests by their imports, stacks by their parts
  --unit      only what needs no engine
  --jobs N    how many stacks run at the same time (default: three for each
              two processors)
  --within MIN
              end the run after MIN minutes, red, and say what it was doing
              (default: 75; CI often throws away the log of what takes longer
              than its own limit)
  --help
`;

/** What a timer of Node can wait. */
const MAX_MINUTES = 2 ** 31 / 60_000;
/** Milliseconds for stacks to be torn down in when the run's time is over. */
const TEAR_DOWN_WITHIN = 240_000;

const { values, positionals } = parseArgs({
  args: process.argv.slice(2),
  options: {
    unit: { type: 'boolean', default: false },
    changed: { type: 'boolean', default: false },
    jobs: { type: 'string', default: String(DEFAULT_JOBS) },
    within: { type: 'string', default: '75' },
    help: { type: 'boolean', default: false },
  },
  allowPositionals: true,
});
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}

const recap = new Recap();
const print = (line: string): void => {
  recap.hear(line);
  process.stdout.write(`${line}\n`);
};
const { signal: interrupted, exitCode } = catchSignals(() => {});
const limit = new TimeLimit({
  ms: minutes(values.within),
  graceMs: TEAR_DOWN_WITHIN,
  onOver: (underWay) => {
    tallies.push(tally(0, 1));
    print(`\nFAILED the run is not done within ${values.within} min; it was at:`);
    for (const each of underWay) print(`  ${each}`);
  },
  onStuck: (underWay) => {
    print(`\nFAILED told to end, and has not: ${underWay.join(', ')}`);
    finish();
  },
});
const signal = AbortSignal.any([interrupted, limit.signal]);
const tallies: Tally[] = [];
/** Tests that were left out on purpose. */
let left = 0;

/** One heading and what comes under it. */
async function part(name: string, work: () => Promise<Tally>): Promise<void> {
  if (signal.aborted) return;
  const started = performance.now();
  print(`\n# ${name}`);
  const result = await limit.during(name, work).catch((error: Error) => {
    print(`FAILED ${name}: ${error.stack ?? error.message}`);
    return tally(0, 1);
  });
  tallies.push(result);
  print(
    `# ${name}: ${result.passed} passed, ${result.failed} failed in ${((performance.now() - started) / 1000).toFixed(1)} s`,
  );
}

const command = async (name: string, program: string, args: readonly string[]): Promise<Tally> => {
  const { exitCode: code, stdout, stderr } = await run(program, args, { signal, cwd: ROOT });
  const ok = code === 0;
  print(`${ok ? 'ok' : 'FAILED'} ${name}`);
  if (!ok) for (const line of `${stdout}${stderr}`.trimEnd().split('\n')) print(`  ${line}`);
  return ok ? tally(1) : tally(0, 1);
};

async function files(paths: readonly string[], parallel: number): Promise<Tally> {
  const waiting = longestFirst(paths, readDurations(ROOT), (path) => relative(ROOT, path));
  const took: Record<string, number> = {};
  const reports: Tally[] = [];
  const worker = async (): Promise<void> => {
    for (let file = waiting.shift(); file !== undefined && !signal.aborted; file = waiting.shift()) {
      const path = file;
      const report = await limit.during(relative(ROOT, path), () =>
        runFile(path, { timeout: needsEngine(path) ? ENGINE_DEADLINE : UNIT_DEADLINE, signal }),
      );
      reports.push(report);
      took[report.file] = report.ms;
      print(
        `${report.failed === 0 ? 'ok' : 'FAILED'} ${report.file} (${report.passed} passed, ${(report.ms / 1000).toFixed(1)} s)`,
      );
      for (const each of report.skipped) print(`  skipped ${each}`);
      left += report.skipped.length;
      if (report.fault !== undefined) print(`  ${report.fault}`);
      if (report.failed > 0) for (const line of lastLines(report.output, 200)) print(`  ${line}`);
    }
  };
  await Promise.all(Array.from({ length: parallel }, worker));
  noteDurations(ROOT, took);
  return sum(reports);
}

async function stacks(names: readonly string[] = stackNames()): Promise<Tally> {
  const results = await runAll(
    names.map((name) => findStack(name)),
    {
      jobs: Number(values.jobs),
      keep: 'never',
      pinned: false,
      checks: true,
      timeout: 1_200_000,
      signal,
      reporters: [plainReporter(print, false), ...workflowReporters(print)],
    },
  );
  return sum(
    results.map(({ obligations, ok }) => {
      const passed = obligations.filter((each) => each.state === 'passed').length;
      const skipped = obligations.filter((each) => each.state === 'skipped').length;
      return tally(passed, ok ? 0 : Math.max(1, obligations.length - passed - skipped));
    }),
  );
}

const found = globSync('{scripts,servers,sidecars,stacks,tools,workshop}/**/*.test.ts', {
  cwd: ROOT,
  exclude: ['**/node_modules/**', '**/fixtures/**'],
})
  .toSorted()
  .map((file) => join(ROOT, file));
const needsEngine = (file: string): boolean => file.endsWith('.engine.test.ts');
/** They start runs of the same stacks, end them half way, and count what is left on the engine. */
const RUNNER = /\/scripts\/(?:lib|runner)\//;
/** A unit test waits half of its time: for a program's start, a timer, a deadline. */
const UNIT_FILES_PER_PROCESSOR = 2;
/** Engine tests wait for containers: one after the other, they left half of two processors idle. */
const ENGINE_FILES = 3;
/** Exercises wait most of their time. */
const VERIFIED_AT_A_TIME = 6;
const UNIT_DEADLINE = 300_000;
const ENGINE_DEADLINE = 900_000;

if (values.changed) {
  const { tests, stacks: reached } = reachedBy(await changedSince(positionals[0] ?? 'HEAD', ROOT), treeOf(ROOT));
  const wanted = tests.filter((file) => !needsEngine(file)).map((file) => join(ROOT, file));
  print(`${wanted.length} test files, stacks: ${reached.join(', ') || 'none'}`);
  await part('types', () => command('tsc', 'tsc', []));
  await part('lint', () => command('oxlint', 'oxlint', ['--type-aware', '--deny-warnings']));
  await part('unit tests', () => files(wanted, UNIT_FILES_PER_PROCESSOR * availableParallelism()));
  await part('contracts', () => command('contract check', process.execPath, ['scripts/contract.ts', 'check']));
  if (!values.unit && reached.length > 0) await part('stacks', () => stacks(reached));
} else if (positionals.length > 0) {
  await part('tests', () =>
    files(
      positionals.map((file) => join(process.cwd(), file)),
      1,
    ),
  );
} else {
  await part('types', async () =>
    sum([
      await command('tsc', 'tsc', []),
      // Pages run in a browser, which has other globals.
      ...(await Promise.all(
        globSync('{sidecars/*,servers/*,workshop}/page/tsconfig.json', { cwd: ROOT }).map((page) =>
          command(`tsc ${page}`, 'tsc', ['--project', page]),
        ),
      )),
    ]),
  );
  await part('lint', () => command('oxlint', 'oxlint', ['--type-aware', '--deny-warnings']));
  await part('format', () => command('oxfmt', 'oxfmt', ['--check']));
  await part('unit tests', () =>
    files(
      found.filter((file) => !needsEngine(file)),
      UNIT_FILES_PER_PROCESSOR * availableParallelism(),
    ),
  );
  await part('contracts', () => command('contract check', process.execPath, ['scripts/contract.ts', 'check']));
  // After the stacks, where there are any: a README's commands find the engine that setup provides.
  if (!values.unit) {
    await part('stacks', () => stacks());
    await part('workshop', async () => {
      // Of its own: where no stack got as far, there is neither an engine nor what images are made of.
      await setup({ say: print, signal });
      return verify(places(), { print, signal, jobs: VERIFIED_AT_A_TIME });
    });
  }
  await part('READMEs', () => checkReadmes({ print, signal, engine: !values.unit }));
  if (!values.unit) {
    await part('contracts of the built images', async () => {
      await buildServers(print);
      return command('contract check --image', process.execPath, ['scripts/contract.ts', 'check', '--image']);
    });
    await part('engine tests', async () => {
      // The runner's own tests look at what runs leave behind; they go one after the other, beside all others.
      const runners = found.filter((file) => needsEngine(file) && RUNNER.test(file));
      const others = found.filter((file) => needsEngine(file) && !RUNNER.test(file));
      return sum(await Promise.all([files(runners, 1), files(others, ENGINE_FILES)]));
    });
  }
}

limit.done();
finish();

/** What failed, and the sum: the last line that is printed, however the run went. */
function finish(): never {
  const { passed, failed } = sum(tallies);
  for (const line of recap.lines()) process.stdout.write(`${line}\n`);
  if (interrupted.aborted) print('\ninterrupted');
  if (left > 0) print(`\n${left} skipped`);
  // Alone on its line, and the last: CI reads it.
  print(`\n${passed} passed, ${failed} failed`);
  process.exit(exitCode() ?? (failed === 0 && passed > 0 ? 0 : 1));
}

/** @param text minutes as they were given; returns milliseconds */
function minutes(text: string): number {
  const number = Number(text);
  if (number > 0 && number < MAX_MINUTES) return number * 60_000;
  process.stderr.write(`--within takes minutes, more than 0 and less than ${MAX_MINUTES}, not "${text}"\n`);
  process.exit(2);
}

/**
 * uvu with its eyes open. uvu exits with 0 when `.only` leaves out every other test, when `.skip`
 * drops one, and when a suite is never run, and keeps to itself what a hook threw; so it does where a handler of the
 * file's own takes what nobody waited for. Here each is noted, and printed as one line when the process ends, for findings.ts to read.
 */
import { writeSync } from 'node:fs';
import { inspect } from 'node:util';
import * as uvu from 'uvu';
import { FINDINGS_MARK, type Findings } from './findings.ts';

const findings: { [Key in keyof Findings]: string[] } = {
  only: [],
  skipped: [],
  neverRun: [],
  threw: [],
  unawaited: [],
};

/** Tests that were added to each suite since it was last run. */
const added = new Map<string, number>();
let suites = 0;

/** Around a whole suite; those around each test uvu tells by itself. */
function watchHook<T>(name: string, add: (hook: uvu.Callback<T>) => void): (hook: uvu.Callback<T>) => void {
  return (hook) =>
    add(async (context) => {
      try {
        await hook(context);
      } catch (error) {
        findings.threw.push(`${name}: ${error instanceof Error ? error.message : inspect(error)}`);
        throw error;
      }
    });
}

function watch<T>(real: uvu.Test<T>, name: string): uvu.Test<T> {
  suites += 1;
  const key = name === '' ? `suite ${suites}` : name;
  const add = (): void => void added.set(key, (added.get(key) ?? 0) + 1);
  const watched = (title: string, handler: uvu.Callback<T>): void => {
    add();
    real(title, handler);
  };
  return Object.assign(watched, real, {
    before: Object.assign(watchHook('before', real.before), {
      each: (hook: uvu.Callback<T>) => real.before.each(hook),
    }),
    after: Object.assign(watchHook('after', real.after), { each: (hook: uvu.Callback<T>) => real.after.each(hook) }),
    only(title: string, handler: uvu.Callback<T>) {
      add();
      findings.only.push(title);
      real.only(title, handler);
    },
    skip(title = 'a test without a name') {
      findings.skipped.push(title);
      real.skip();
    },
    run() {
      added.delete(key);
      real.run();
    },
  }) as uvu.Test<T>;
}

export const test = watch(uvu.test, '');

export function suite<T = uvu.Context>(name = '', state?: T): uvu.Test<T> {
  return watch(uvu.suite<T>(name, state as T), name);
}

export const { exec } = uvu as unknown as { exec: unknown };

// Told before any handler of the file's own, which could keep it to itself.
const unawaited: string[] = [];
process.on('uncaughtExceptionMonitor', (error) => void unawaited.push(`${error?.message ?? inspect(error)}`));

process.on('exit', (code) => {
  // A process that it ended shows it by its exit code, and prints the whole of it.
  if (code === 0) findings.unawaited.push(...unawaited);
  for (const [name, count] of added) findings.neverRun.push(`${name} (${count})`);
  // Synchronous: nothing else is written any more at this moment.
  if (Object.values(findings).some((list) => list.length > 0))
    writeSync(1, `\n${FINDINGS_MARK} ${process.pid} ${JSON.stringify(findings)}\n`);
});

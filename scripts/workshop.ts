/** `npm run workshop -- COMMAND`: exercises that check themselves, in a terminal; without a command, the page. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { catchSignals } from './lib/interrupt.ts';
import { EngineError } from './lib/engine.ts';
import { wrap } from './lib/findings.ts';
import { readCommandLine, UsageError } from '../workshop/commands/arguments.ts';
import { check, hint, list, reset, solution, stop, watch } from '../workshop/commands/commands.ts';
import { askQuiz, homework, interview, language, progress } from '../workshop/commands/course.ts';
import { HELP } from '../workshop/commands/help.ts';
import { why } from '../workshop/commands/why.ts';
import { findPlace, places, UnknownExercise } from '../workshop/lessons/exercise.ts';
import { verify } from '../workshop/commands/verify.ts';
import { TERMINAL_WORDS } from '../workshop/languages/terminal/words.ts';
import { learnersLanguage, learnersWorkspace } from '../workshop/lessons/workspace.ts';
import { setup } from './setup/setup.ts';
import { SetupError } from './setup/lib/setup-error.ts';

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const say = (line: string): void => void process.stderr.write(`${line}\n`);

process.exitCode = await main();

async function main(): Promise<number> {
  const words = TERMINAL_WORDS[learnersLanguage()];
  const interrupt = catchSignals(() => say(words.stopping));
  try {
    const line = readCommandLine(process.argv.slice(2));
    if (line === undefined) {
      process.stdout.write(HELP[learnersLanguage()]);
      return 0;
    }
    return await answer(line, interrupt.signal);
  } catch (error) {
    if (interrupt.signal.aborted) return interrupt.exitCode() ?? 1;
    if (error instanceof UsageError || error instanceof UnknownExercise) {
      for (const text of wrap(`workshop: ${error.reason.in(learnersLanguage())}`, 80)) say(text);
      say(words.seeHelp);
      return 2;
    }
    if (error instanceof SetupError) {
      say([`workshop: ${error.message}`, ...error.advice].join('\n'));
      return error.exitCode;
    }
    if (!(error instanceof EngineError)) throw error;
    say(`workshop: ${error.message}\n${words.seeDoctor}`);
    return 1;
  }
}

async function answer(line: NonNullable<ReturnType<typeof readCommandLine>>, signal: AbortSignal): Promise<number> {
  if (line.command === 'serve') {
    const { serveWorkshop } = await import('../workshop/commands/serve.ts');
    return serveWorkshop({ ...line, print, signal });
  }
  if (line.command === 'verify') {
    await setup({ say, signal });
    const chosen = line.exercises.length === 0 ? places() : line.exercises.map((each) => findPlace(each));
    const { passed, failed } = await verify(chosen, { print, signal, jobs: line.jobs });
    print(`${passed} passed, ${failed} failed`);
    return failed === 0 && passed > 0 ? 0 : 1;
  }
  // npm runs this in the repository's folder; the learner names a folder from where they are.
  const named = (): string => resolve(process.env['INIT_CWD'] ?? '.', line.exercises[0]!);
  const speaks = learnersLanguage();
  if (line.command === 'site') {
    const { buildSite } = await import('../workshop/commands/site.ts');
    return buildSite(named(), print, speaks);
  }
  if (line.command === 'homework') {
    const folder = named();
    if (!existsSync(folder)) throw new UsageError(why('nothingAt', { folder }));
    return homework(folder, print, speaks);
  }
  const workspace = await learnersWorkspace();
  if (line.command === 'list') return list(workspace, print);
  if (line.command === 'quiz') return askQuiz(workspace, print, signal);
  if (line.command === 'progress') return progress(workspace, print, line.json);
  if (line.command === 'language') return language(workspace, line.exercises[0]!, print);
  if (line.command === 'interview') return interview(workspace, print);
  const work = { place: findPlace(line.exercises[0]!), workspace, print, say, signal };
  switch (line.command) {
    case 'run':
      return watch({ ...work, keep: line.keep });
    case 'check':
      return check(work);
    case 'hint':
      return hint(work);
    case 'reset':
      return reset(work);
    case 'solution':
      return solution(work);
    case 'stop':
      return stop(work);
  }
}

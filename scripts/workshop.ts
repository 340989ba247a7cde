/** `npm run workshop -- COMMAND`: exercises that check themselves, in a terminal; without a command, the page. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { catchSignals } from './lib/interrupt.ts';
import { EngineError } from './lib/engine.ts';
import { readCommandLine, UsageError } from '../workshop/commands/arguments.ts';
import { check, hint, list, reset, solution, stop, watch } from '../workshop/commands/commands.ts';
import { askQuiz, homework, interview, language, progress } from '../workshop/commands/course.ts';
import { findPlace, places, UnknownExercise } from '../workshop/lessons/exercise.ts';
import { verify } from '../workshop/commands/verify.ts';
import { learnersWorkspace } from '../workshop/lessons/workspace.ts';
import { setup } from './setup/setup.ts';
import { SetupError } from './setup/lib/setup-error.ts';

const HELP = `Exercises on sidecars that check themselves.

usage: make workshop                    the page; its address is printed
       npm run workshop -- list         the exercises, and how far you are
       npm run workshop -- run N        begin exercise N: files for you in
                                        workshop/mine, containers up; then
                                        every edit is applied and checked,
                                        until Ctrl-C, which removes them
       npm run workshop -- check N      apply and check once
       npm run workshop -- hint N       one more hint
       npm run workshop -- reset N      begin anew; your changes go
       npm run workshop -- solution N   lay a solution over your files, which
                                        are kept as NAME.yours
       npm run workshop -- stop N       remove its containers and volumes
       npm run workshop -- quiz         the questions that you have not answered
                                        right yet
       npm run workshop -- progress     how far you are, by goal; --json for a
                                        teacher
       npm run workshop -- interview    what you can say in 60 seconds and in
                                        five minutes, by the exercises done
       npm run workshop -- language de  lessons, checks, quiz, slides in German;
                                        es: Spanish, en: English
       npm run workshop -- homework DIR grades a repository of your own; nothing
                                        in it is run or changed
       npm run workshop -- site DIR     the page as files for any web server, for
                                        a room without an engine
       npm run workshop -- verify [N…]  are the exercises themselves right?

N is a number or a name: 2, 02-https or https.

  --jobs N    verify: how many exercises at a time (default 4)
  --port N    the page's port on 127.0.0.1 (default: one that is free)
  --json      progress: as one JSON document
  --keep      run and the page: Ctrl-C leaves up what was brought up
  --project P the page shows this compose project, too; may be repeated
  --help

exit code: 0; check, homework and verify: 1 when something is red; 2 for a wrong command
line
`;

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const say = (line: string): void => void process.stderr.write(`${line}\n`);

process.exitCode = await main();

async function main(): Promise<number> {
  const interrupt = catchSignals(() => say('Stopping; once more to stop at once'));
  try {
    const line = readCommandLine(process.argv.slice(2));
    if (line === undefined) {
      process.stdout.write(HELP);
      return 0;
    }
    return await answer(line, interrupt.signal);
  } catch (error) {
    if (interrupt.signal.aborted) return interrupt.exitCode() ?? 1;
    if (error instanceof UsageError || error instanceof UnknownExercise) {
      say(`workshop: ${error.message}\nSee: npm run workshop -- --help`);
      return 2;
    }
    if (error instanceof SetupError) {
      say([`workshop: ${error.message}`, ...error.advice].join('\n'));
      return error.exitCode;
    }
    if (!(error instanceof EngineError)) throw error;
    say(`workshop: ${error.message}\nmake doctor says what this machine lacks.`);
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
  if (line.command === 'site') {
    const { buildSite } = await import('../workshop/commands/site.ts');
    return buildSite(named(), print);
  }
  if (line.command === 'homework') {
    const folder = named();
    if (!existsSync(folder)) throw new UsageError(`there is nothing at ${folder}`);
    return homework(folder, print);
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

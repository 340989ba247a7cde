/** What the terminal's commands do for the course as a whole: the quiz, progress by goal, what to say in an interview. */
import { createInterface, type Interface } from 'node:readline';
import { once } from 'node:events';
import { chalk } from 'zx/core';
import { wrap } from '../../scripts/lib/findings.ts';
import { Answers } from '../course/answers.ts';
import { gradeHomework } from '../course/homework.ts';
import { FIRST_MINUTE } from '../course/interview.ts';
import { courseOf } from '../course/learner.ts';
import type { Question } from '../course/question.ts';
import { quiz } from '../course/quiz.ts';
import { isRight } from '../course/standing.ts';
import { isLanguage, LANGUAGES, type Language } from '../languages/languages.ts';
import { TERMINAL_WORDS } from '../languages/terminal/words.ts';
import type { TerminalWords } from '../languages/terminal/en.ts';
import { WORDS } from '../languages/words.ts';
import { lessonIn, places } from '../lessons/exercise.ts';
import type { Workspace } from '../lessons/workspace.ts';

type Print = (line: string) => void;

const WIDTH = 80;
const LETTERS = 'abcdefgh';

const filled = (print: Print, text: string, first = '', rest = ' '.repeat(first.length)): void => {
  for (const [index, line] of wrap(text, WIDTH - first.length).entries()) print(`${index === 0 ? first : rest}${line}`);
};

/**
 * Ask the questions that are not answered right yet, until there is none, the input ends, or `q`.
 * @returns an exit code
 */
export async function askQuiz(workspace: Workspace, print: Print, signal: AbortSignal): Promise<number> {
  const { language } = workspace;
  const words = TERMINAL_WORDS[language];
  const answers = new Answers(workspace.root);
  const open = quiz(language).filter((question) => !isRight(question, answers.all()[question.id]));
  const input = createInterface({ input: process.stdin, signal });
  const lines = new Lines(input);
  try {
    for (const [index, question] of open.entries()) {
      print(chalk.dim(`\n${words.question(index + 1, open.length, WORDS[language].goalNames[question.goal])}`));
      show(question, print);
      const option = await chosen(question, lines, print, words);
      if (option === undefined) break;
      answers.note(question.id, option);
      const { right, why } = question.options[option]!;
      filled(print, why, right ? '  ✓ ' : '  ✗ ');
    }
  } finally {
    input.close();
  }
  const now = answers.all();
  const right = quiz().filter((question) => isRight(question, now[question.id])).length;
  print(`\n${words.answeredRight(right, quiz().length)}`);
  if (right < quiz().length) print(words.askedAgain);
  return 0;
}

function show({ ask, code, options }: Question, print: Print): void {
  filled(print, ask.replaceAll('`', ''));
  if (code !== undefined)
    for (const [index, line] of code.split('\n').entries())
      print(chalk.dim(`  ${String(index + 1).padStart(2)}  `) + line);
  for (const [index, { text }] of options.entries()) filled(print, text.replaceAll('`', ''), `  ${LETTERS[index]}) `);
}

/** @returns undefined at the end of the input, and when the learner has enough */
async function chosen(
  { options }: Question,
  lines: Lines,
  print: Print,
  words: TerminalWords,
): Promise<number | undefined> {
  const letters = LETTERS.slice(0, options.length);
  for (;;) {
    print(words.yourAnswer(letters[0]!, letters.at(-1)!));
    const line = (await lines.next())?.trim().toLowerCase();
    if (line === undefined || line === 'q') return undefined;
    if (line.length === 1 && letters.includes(line)) return letters.indexOf(line);
  }
}

/** Lines one after the other, also those that came before they were asked for. */
class Lines {
  readonly #came: string[] = [];
  readonly #input: Interface;
  #ended = false;

  constructor(input: Interface) {
    this.#input = input;
    input.on('line', (line) => this.#came.push(line));
    input.once('close', () => (this.#ended = true));
  }

  async next(): Promise<string | undefined> {
    while (this.#came.length === 0 && !this.#ended)
      await Promise.race([once(this.#input, 'line'), once(this.#input, 'close')]);
    return this.#came.shift();
  }
}

/** How far the learner is, by goal; as JSON for a teacher. */
export function progress(workspace: Workspace, print: Print, json: boolean): number {
  const { goals } = courseOf(workspace);
  if (json) {
    print(JSON.stringify({ goals }, undefined, 2));
    return 0;
  }
  const { language } = workspace;
  const words = WORDS[language];
  for (const { id, exercises, questions, reached } of goals) {
    filled(print, words.youCan(words.can[id]), reached ? `${chalk.green('✓')} ` : '· ', '  ');
    for (const { number, title, done } of exercises)
      print(`    ${done === null ? '·' : chalk.green('✓')} ${number}  ${title}`);
    print(
      `    ${questions.right === questions.all ? chalk.green('✓') : '·'} ${TERMINAL_WORDS[language].quiz(questions.right, questions.all)}`,
    );
  }
  return 0;
}

/**
 * Grade a repository of the learner's own.
 * @returns an exit code: 1 when something is red
 */
export async function homework(folder: string, print: Print, language: Language): Promise<number> {
  const grades = await gradeHomework(folder);
  const words = TERMINAL_WORDS[language];
  for (const { id, why } of grades) {
    print(`${why.length === 0 ? chalk.green('✓') : chalk.red('✗')} ${WORDS[language].must(words.homework[id])}`);
    if (id === 'hasSidecar' && why.length > 0) filled(print, words.noSidecar, '    ');
    for (const line of why.slice(0, MOST_REASONS)) filled(print, line, '    ');
    if (why.length > MOST_REASONS) print(`    ${words.andMore(why.length - MOST_REASONS)}`);
  }
  return grades.every(({ why }) => why.length === 0) ? 0 : 1;
}

/** Reasons of one kind that are printed. */
const MOST_REASONS = 10;

/**
 * Read lessons and quiz in another language.
 * @returns an exit code
 */
export function language(workspace: Workspace, wanted: string, print: Print): number {
  if (!isLanguage(wanted)) {
    print(TERMINAL_WORDS[workspace.language].noLanguage(JSON.stringify(wanted), Object.keys(LANGUAGES).join(', ')));
    return 2;
  }
  workspace.language = wanted;
  print(TERMINAL_WORDS[wanted].languageIs(LANGUAGES[wanted]));
  return 0;
}

/** What can be said in an interview by somebody who has done these exercises. */
export function interview(workspace: Workspace, print: Print): number {
  const all = places();
  const words = TERMINAL_WORDS[workspace.language];
  const tell = (title: string, chosen: typeof all): void => {
    print(chalk.bold(title));
    for (const place of chosen) {
      if (workspace.progress(place).done === undefined)
        print(chalk.dim(`  ·  ${words.givesASentence(Number(place.number))}`));
      else filled(print, lessonIn(place, workspace.language).interview.replaceAll('`', ''), '  ');
    }
  };
  tell(
    words.oneMinute,
    all.filter(({ number }) => FIRST_MINUTE.includes(number)),
  );
  print('');
  tell(words.fiveMinutes, all);
  return 0;
}

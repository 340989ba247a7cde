/** What the terminal's commands do with one exercise. */
import { relative } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { chalk } from 'zx/core';
import { wrap } from '../../scripts/lib/findings.ts';
import { ROOT } from '../../scripts/lib/stacks.ts';
import { setup } from '../../scripts/setup/setup.ts';
import { TERMINAL_WORDS } from '../languages/terminal/words.ts';
import { WORDS } from '../languages/words.ts';
import type { Language } from '../languages/languages.ts';
import { lessonIn, places, type Place } from '../lessons/exercise.ts';
import { Session, type Result } from '../lessons/session.ts';
import type { Workspace } from '../lessons/workspace.ts';

export interface Work {
  readonly place: Place;
  readonly workspace: Workspace;
  readonly print: (line: string) => void;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Columns of a line. */
const WIDTH = 80;
/** Of them, an exercise's title in the list. */
const TITLE = 45;
/** Between two looks at files and states, in milliseconds. */
const EVERY = 500;

const SIGNS = { met: chalk.green('✓'), unmet: chalk.red('✗'), waiting: chalk.dim('·') };

/** One line for each check in a language, and why it is red. */
function resultLines(results: readonly Result[], place: Place, language: Language): string[] {
  const { checks } = lessonIn(place, language);
  return results.flatMap(({ must, state, why }, at) => [
    ...wrap(WORDS[language].must(checks[at] ?? must), WIDTH - 4).map(
      (text, index) => `  ${index === 0 ? SIGNS[state] : ' '} ${text}`,
    ),
    ...(why === undefined ? [] : wrap(why.in(language), WIDTH - 8).map((text) => `      ${chalk.dim(text)}`)),
  ]);
}

/** Markdown as a terminal shows it: paragraphs and items filled to its width, code as it stands, without fences. */
export function textLines(markdown: string): string[] {
  const lines: string[] = [];
  let text = '';
  const flush = (): void => {
    if (text !== '') lines.push(...filled(text));
    text = '';
  };
  let inCode = false;
  for (const line of markdown.replace(/^ *<!--.*-->\n/gm, '').split('\n')) {
    if (/^ *```/.test(line)) {
      flush();
      inCode = !inCode;
    } else if (inCode) lines.push(line);
    else if (/^\s*$/.test(line)) {
      flush();
      lines.push('');
    } else if (/^ *(?:\d+\.|[-|#])/.test(line)) {
      flush();
      text = line;
    } else text = text === '' ? line : `${text} ${line.trim()}`;
  }
  flush();
  return lines;
}

function filled(line: string): string[] {
  if (line.length <= WIDTH || line.startsWith('|')) return [line];
  const indent = /^(?: *(?:\d+\.|-) +| *)/.exec(line)![0].length;
  const [first = '', ...more] = wrap(line.slice(indent), WIDTH - indent);
  return [line.slice(0, indent) + first, ...more.map((text) => ' '.repeat(indent) + text)];
}

/** A sentence, filled; a command in it stands in a line of its own, to be copied. */
const tell = (print: Work['print'], text: string): void => {
  for (const line of text.split('\n').flatMap((each) => filled(each))) print(line);
};

export async function list(workspace: Workspace, print: Work['print']): Promise<number> {
  const words = TERMINAL_WORDS[workspace.language];
  for (const place of places()) {
    const { done, hints } = workspace.progress(place);
    const state = done === undefined ? (workspace.has(place) ? words.begun : '') : words.done;
    const used = hints === 0 ? '' : ` ${words.hints(hints)}`;
    const sign = done === undefined ? ' ' : SIGNS.met;
    const title = lessonIn(place, workspace.language).title.replaceAll('`', '');
    const [first = '', ...rest] = wrap(title, TITLE);
    print(
      `${sign} ${place.number}  ${first.padEnd(TITLE)} ${words.minutes(place.lesson.minutes).padStart(7)}  ${state}${used}`,
    );
    for (const line of rest) print(`      ${line}`);
  }
  return 0;
}

/** Begin, and go on looking until the learner has enough; then the containers go, unless they are to be kept. */
export async function watch({ place, workspace, print, say, signal, keep }: Work & { keep: boolean }): Promise<number> {
  const session = new Session(place, workspace);
  const { language } = workspace;
  const words = TERMINAL_WORDS[language];
  const lesson = lessonIn(place, language);
  const { minutes, goals } = place.lesson;
  print(chalk.bold(`${place.number} · ${lesson.title.replaceAll('`', '')}`));
  print(chalk.dim(WORDS[language].serves(minutes, goals.map((id) => WORDS[language].goalNames[id]).join(', '))));
  for (const line of textLines(`\n${lesson.goal}\n\n${lesson.steps}\n`)) print(line);
  tell(print, words.yourFiles(shown(session)));
  await ready(session, say, signal).catch(unlessEnded(signal));
  // Nothing of it has come up, and there may be no engine yet that could be asked.
  if (signal.aborted) {
    tell(print, words.goOn(place.number));
    return 0;
  }
  const { runs } = await session.exercise();
  // What was up before belongs to somebody else: the page, or a second terminal.
  const mine = runs && !(await session.isUp());
  await goOn(session, lesson.recap, { print, signal }).catch(unlessEnded(signal));
  if (!runs) return 0;
  if (keep || !mine) tell(print, `\n${words.leftUp(place.number)}`);
  else {
    print(`\n${words.removing}`);
    await session.leave();
    tell(print, `${words.gone} ${words.goOn(place.number)}`);
  }
  return 0;
}

/** Ctrl-C ends what is being done, and is no error. */
const unlessEnded =
  (signal: AbortSignal) =>
  (error: unknown): void => {
    if (!signal.aborted) throw error;
  };

/** Begin, and look until the signal comes. */
async function goOn(session: Session, recap: string, { print, signal }: Pick<Work, 'print' | 'signal'>): Promise<void> {
  if (signal.aborted) return;
  const { place, workspace } = session;
  const words = TERMINAL_WORDS[workspace.language];
  let complaint = await session.begin(signal);
  let before = '';
  let green = false;
  while (!signal.aborted) {
    if (session.changed) complaint = await session.apply(signal);
    const results = await session.look();
    const lines = [
      ...resultLines(results, place, workspace.language),
      ...(complaint === undefined ? [] : wrap(words.compose(complaint), WIDTH)),
    ];
    if (lines.join('\n') !== before) print(['', ...lines].join('\n'));
    before = lines.join('\n');
    const all = results.every(({ state }) => state === 'met');
    if (all && !green) for (const line of ['', ...textLines(recap), '', ...wrap(words.allGreen, WIDTH)]) print(line);
    green = all;
    await pause(EVERY, undefined, { signal }).catch(() => {});
  }
}

export async function check({ place, workspace, print, say, signal }: Work): Promise<number> {
  const session = new Session(place, workspace);
  await ready(session, say, signal);
  const complaint = await session.begin(signal);
  const results = await session.settled(signal);
  for (const line of resultLines(results, place, workspace.language)) print(line);
  const { compose } = TERMINAL_WORDS[workspace.language];
  if (complaint !== undefined) for (const line of wrap(compose(complaint), WIDTH)) print(line);
  return results.every(({ state }) => state === 'met') ? 0 : 1;
}

/** One more hint than before; when there is no more, all of them. */
export function hint({ place, workspace, print }: Work): number {
  const { hints: all } = lessonIn(place, workspace.language);
  const progress = workspace.progress(place);
  const shownNow = Math.min(progress.hints + 1, all.length);
  workspace.note(place, { ...progress, hints: shownNow });
  all.slice(0, shownNow).forEach((text, index) => {
    for (const line of textLines(`${index + 1}. ${text.replaceAll('\n', ' ')}`)) print(line);
  });
  if (progress.hints >= all.length) print(TERMINAL_WORDS[workspace.language].noMoreHints);
  return 0;
}

export async function reset({ place, workspace, print, say, signal }: Work): Promise<number> {
  const session = new Session(place, workspace);
  await ready(session, say, signal);
  await session.reset(signal);
  tell(print, TERMINAL_WORDS[workspace.language].asInTheBeginning(shown(session)));
  return 0;
}

export async function solution({ place, workspace, print, say, signal }: Work): Promise<number> {
  const session = new Session(place, workspace);
  await ready(session, say, signal);
  await session.begin(signal);
  const complaint = await session.take('solution', signal);
  if (complaint !== undefined) for (const line of wrap(complaint, WIDTH)) say(line);
  const words = TERMINAL_WORDS[workspace.language];
  tell(print, words.solutionLaid(shown(session)));
  print(words.see(place.number));
  return 0;
}

export async function stop({ place, workspace, print }: Work): Promise<number> {
  const session = new Session(place, workspace);
  if (workspace.has(place)) await session.end();
  tell(print, TERMINAL_WORDS[workspace.language].stopped(place.name, shown(session)));
  return 0;
}

/** An engine and what images are made of, where the exercise has containers. */
async function ready(session: Session, say: Work['say'], signal: AbortSignal): Promise<void> {
  if ((await session.exercise()).runs) await setup({ say, signal });
}

const shown = ({ stage }: Session): string => relative(ROOT, stage.dir);

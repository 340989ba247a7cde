/** What the terminal's commands do with one exercise. */
import { relative } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { chalk } from 'zx/core';
import { wrap } from '../../scripts/lib/findings.ts';
import { ROOT } from '../../scripts/lib/stacks.ts';
import { setup } from '../../scripts/setup/setup.ts';
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
/** Between two looks at files and states, in milliseconds. */
const EVERY = 500;

const SIGNS = { met: chalk.green('✓'), unmet: chalk.red('✗'), waiting: chalk.dim('·') };

/** One line for each check, and why it is red. */
export function resultLines(results: readonly Result[]): string[] {
  return results.flatMap(({ must, state, why }) => [
    ...wrap(`must ${must}`, WIDTH - 4).map((text, index) => `  ${index === 0 ? SIGNS[state] : ' '} ${text}`),
    ...(why === undefined ? [] : wrap(why, WIDTH - 8).map((text) => `      ${chalk.dim(text)}`)),
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

export async function list(workspace: Workspace, print: Work['print']): Promise<number> {
  for (const place of places()) {
    const { done, hints } = workspace.progress(place);
    const state = done === undefined ? (workspace.has(place) ? 'begun' : '') : 'done';
    const used = hints === 0 ? '' : ` ${hints} hint${hints === 1 ? '' : 's'}`;
    const sign = done === undefined ? ' ' : SIGNS.met;
    const title = lessonIn(place, workspace.language).title.replaceAll('`', '');
    print(
      `${sign} ${place.number}  ${title.padEnd(48)} ${String(place.lesson.minutes).padStart(3)} min  ${state}${used}`,
    );
  }
  return 0;
}

/** Begin, and go on looking until the learner has enough. */
export async function watch({ place, workspace, print, say, signal }: Work): Promise<number> {
  const session = new Session(place, workspace);
  const lesson = lessonIn(place, workspace.language);
  print(chalk.bold(`${place.number} · ${lesson.title}`));
  for (const line of textLines(`\n${lesson.goal}\n\n${lesson.steps}\n`)) print(line);
  print(`Your files: ${shown(session)}`);
  try {
    await goOn(session, lesson.recap, { print, say, signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  print(`\nLeft up. To remove its containers: npm run workshop -- stop ${place.number}`);
  return 0;
}

/** Begin, and look until the signal comes. */
async function goOn(
  session: Session,
  recap: string,
  { print, say, signal }: Omit<Work, 'place' | 'workspace'>,
): Promise<void> {
  await ready(session, say, signal);
  let complaint = await session.begin(signal);
  let before = '';
  let green = false;
  while (!signal.aborted) {
    if (session.changed) complaint = await session.apply(signal);
    const results = await session.look();
    const lines = [...resultLines(results), ...(complaint === undefined ? [] : wrap(`compose: ${complaint}`, WIDTH))];
    if (lines.join('\n') !== before) print(['', ...lines].join('\n'));
    before = lines.join('\n');
    const all = results.every(({ state }) => state === 'met');
    if (all && !green) for (const line of ['', ...textLines(recap), '', NEXT]) print(line);
    green = all;
    await pause(EVERY, undefined, { signal }).catch(() => {});
  }
}

const NEXT = 'All green. Ctrl-C to leave; npm run workshop -- list says what comes next.';

export async function check({ place, workspace, print, say, signal }: Work): Promise<number> {
  const session = new Session(place, workspace);
  await ready(session, say, signal);
  const complaint = await session.begin(signal);
  const results = await session.settled(signal);
  for (const line of resultLines(results)) print(line);
  if (complaint !== undefined) for (const line of wrap(`compose: ${complaint}`, WIDTH)) print(line);
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
  if (progress.hints >= all.length) print('There is no further hint.');
  return 0;
}

export async function reset({ place, workspace, print, say, signal }: Work): Promise<number> {
  const session = new Session(place, workspace);
  await ready(session, say, signal);
  await session.reset(signal);
  print(`${shown(session)} is as it was in the beginning.`);
  return 0;
}

export async function solution({ place, workspace, print, say, signal }: Work): Promise<number> {
  const session = new Session(place, workspace);
  await ready(session, say, signal);
  await session.begin(signal);
  const complaint = await session.take('solution', signal);
  if (complaint !== undefined) for (const line of wrap(complaint, WIDTH)) say(line);
  print(`A solution is in ${shown(session)}; what was yours is kept as NAME.yours.`);
  print(`See: npm run workshop -- check ${place.number}`);
  return 0;
}

export async function stop({ place, workspace, print }: Work): Promise<number> {
  const session = new Session(place, workspace);
  if (workspace.has(place)) await session.end();
  print(`The containers of ${place.name} are gone; your files stay in ${shown(session)}.`);
  return 0;
}

/** An engine and what images are made of, where the exercise has containers. */
async function ready(session: Session, say: Work['say'], signal: AbortSignal): Promise<void> {
  if ((await session.exercise()).runs) await setup({ say, signal });
}

const shown = ({ stage }: Session): string => relative(ROOT, stage.dir);

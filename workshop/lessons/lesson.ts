/** A lesson: an exercise's README.md, read. */
import { isGoal, type GoalId } from './goals.ts';

export interface Lesson {
  readonly title: string;
  /** Minutes that it takes. */
  readonly minutes: number;
  /** Goals of the course that it serves. */
  readonly goals: readonly GoalId[];
  /** Sections as Markdown, without their headings. */
  readonly goal: string;
  readonly steps: string;
  readonly hints: readonly string[];
  readonly recap: string;
  /** What who has done it can say of it, in two or three sentences. */
  readonly interview: string;
}

/** Sections that every lesson has, in their order. */
const SECTIONS = ['Goal', 'Steps', 'Hints', 'Recap', 'In an interview'] as const;

/**
 * Read a lesson.
 * @param markdown `# Title`, `*10 minutes · GOAL, GOAL*`, and the sections Goal, Steps, Hints (a numbered list), Recap and
 * In an interview
 * @throws {Error} that names what is missing
 */
export function parseLesson(markdown: string): Lesson {
  const title = /^# (?:\d+ · )?(.+)$/m.exec(markdown)?.[1];
  const [, minutes, goals = ''] = /^\*(\d+) minutes · (.+)\*$/m.exec(markdown) ?? [];
  if (title === undefined || minutes === undefined)
    throw new Error('a lesson begins with # TITLE and *N minutes · GOAL, GOAL*');
  const [goal, steps, hints, recap, interview] = SECTIONS.map((name) => section(markdown, name));
  return {
    title,
    minutes: Number(minutes),
    goals: goals.split(', ').map(goalOf),
    goal: goal!,
    steps: steps!,
    hints: listItems(hints!),
    recap: recap!,
    interview: interview!.replaceAll('\n', ' '),
  };
}

function goalOf(word: string): GoalId {
  if (!isGoal(word)) throw new Error(`${word} is no goal of the course: see lessons/goals.ts`);
  return word;
}

function section(markdown: string, name: string): string {
  const heading = `\n## ${name}\n`;
  const start = markdown.indexOf(heading);
  if (start === -1) throw new Error(`a lesson has a section ## ${name}`);
  const rest = markdown.slice(start + heading.length);
  const end = rest.search(/^## /m);
  return (end === -1 ? rest : rest.slice(0, end)).trim();
}

/** Items of a numbered list; what is indented belongs to the item above. */
function listItems(text: string): string[] {
  return text
    .split(/^\d+\. /m)
    .slice(1)
    .map((item) => item.replace(/\n {3}/g, '\n').trim());
}

/** A lesson with its blocks of commands at the margin: inside a list they are indented by three blanks. */
export const unindented = (markdown: string): string => markdown.replace(/^ {3}(?=```|<!--|\S)/gm, '');

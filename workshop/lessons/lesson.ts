/** A lesson: an exercise's README.md, read. */
import type { Language } from '../languages/languages.ts';
import { isGoal, type GoalId } from './goals.ts';

/** What a lesson says, in one language. */
export interface LessonText {
  readonly title: string;
  /** Sections as Markdown, without their headings. */
  readonly goal: string;
  readonly steps: string;
  readonly hints: readonly string[];
  readonly recap: string;
  /** What who has done it can say of it, in two or three sentences. */
  readonly interview: string;
}

export interface Lesson extends LessonText {
  /** Minutes that it takes. */
  readonly minutes: number;
  /** Goals of the course that it serves. */
  readonly goals: readonly GoalId[];
}

/** What is said elsewhere in English alone: by the exercise's check.ts. */
export interface Translation extends LessonText {
  /** What each check wants, after "must", in the order of check.ts. */
  readonly checks: readonly string[];
}

/** Sections that every lesson has, in their order. */
const SECTIONS: Readonly<Record<Language, readonly string[]>> = {
  en: ['Goal', 'Steps', 'Hints', 'Recap', 'In an interview'],
  de: ['Ziel', 'Schritte', 'Hinweise', 'Rückblick', 'Im Vorstellungsgespräch'],
  es: ['Meta', 'Pasos', 'Pistas', 'Resumen', 'En una entrevista'],
};
const CHECKS = { de: 'Prüfungen', es: 'Comprobaciones' } as const;

/**
 * Read a lesson.
 * @param markdown `# Title`, `*10 minutes · GOAL, GOAL*`, and the sections Goal, Steps, Hints (a numbered list), Recap and
 * In an interview
 * @throws {Error} that names what is missing
 */
export function parseLesson(markdown: string): Lesson {
  const [, minutes, goals = ''] = /^\*(\d+) minutes · (.+)\*$/m.exec(markdown) ?? [];
  if (minutes === undefined) throw new Error('a lesson begins with # TITLE and *N minutes · GOAL, GOAL*');
  return { ...textOf(markdown, 'en'), minutes: Number(minutes), goals: goals.split(', ').map(goalOf) };
}

/**
 * Read a translation of a lesson: README.de.md has its title, its sections in German, and one section more, which is a
 * list of what the checks want.
 * @throws {Error} that names what is missing
 */
export const parseTranslation = (markdown: string, language: Exclude<Language, 'en'>): Translation => ({
  ...textOf(markdown, language),
  checks: listItems(section(markdown, CHECKS[language])).map((each) => each.replaceAll('\n', ' ')),
});

function textOf(markdown: string, language: Language): LessonText {
  const title = /^# (?:\d+ · )?(.+)$/m.exec(markdown)?.[1];
  if (title === undefined) throw new Error('a lesson begins with # TITLE');
  const [goal, steps, hints, recap, interview] = SECTIONS[language].map((name) => section(markdown, name));
  return {
    title,
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

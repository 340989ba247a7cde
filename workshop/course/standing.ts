/**
 * How far a learner is, by goal: a goal is reached when its exercises are done and its questions answered right. The page
 * without a server asks this, too, so nothing here reads a file.
 */
import { GOALS, type GoalId } from '../lessons/goals.ts';
import type { Question } from './question.ts';

export interface GoalStanding {
  readonly id: GoalId;
  readonly can: string;
  readonly exercises: readonly ExerciseStanding[];
  readonly questions: { readonly all: number; readonly right: number };
  readonly reached: boolean;
}

export interface ExerciseStanding {
  readonly number: string;
  readonly title: string;
  /** When all its checks were green for the first time, as ISO 8601; null before. */
  readonly done: string | null;
  /** Hints that were shown. */
  readonly hints: number;
}

/** What was answered last, by a question's id. */
export type Chosen = Readonly<Record<string, { readonly option: number }>>;

/** A question as the page shows it: which option is right is told when one was chosen. */
export interface AskedQuestion {
  readonly id: string;
  readonly ask: string;
  readonly code: string | null;
  readonly options: readonly string[];
  readonly answer: { readonly option: number; readonly right: boolean; readonly why: string } | null;
}

/** Whether a question's last answer was the right one. */
export const isRight = ({ options }: Question, answer: { readonly option: number } | undefined): boolean =>
  answer !== undefined && options[answer.option]?.right === true;

/** @param exercises with the goals that each serves */
export function standing(
  exercises: readonly (ExerciseStanding & { readonly goals: readonly GoalId[] })[],
  questions: readonly Question[],
  chosen: Chosen,
): GoalStanding[] {
  return GOALS.map(({ id, can }) => {
    const own = exercises
      .filter(({ goals }) => goals.includes(id))
      .map(({ number, title, done, hints }): ExerciseStanding => ({ number, title, done, hints }));
    const all = questions.filter(({ goal }) => goal === id);
    const right = all.filter((question) => isRight(question, chosen[question.id])).length;
    const reached = right === all.length && own.every(({ done }) => done !== null);
    return { id, can, exercises: own, questions: { all: all.length, right }, reached };
  });
}

/** The questions with what was answered. */
export const asked = (questions: readonly Question[], chosen: Chosen): AskedQuestion[] =>
  questions.map((question) => {
    const { id, ask, code = null, options } = question;
    const option = chosen[id]?.option ?? -1;
    const taken = options[option];
    const answer = taken === undefined ? null : { option, right: isRight(question, chosen[id]), why: taken.why };
    return { id, ask, code, options: options.map(({ text }) => text), answer };
  });

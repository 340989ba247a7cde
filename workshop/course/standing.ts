/** How far a learner is, by goal: a goal is reached when its exercises are done and its questions answered right. */
import type { Place } from '../lessons/exercise.ts';
import type { Workspace } from '../lessons/workspace.ts';
import { Answers } from './answers.ts';
import { GOALS, type GoalId } from '../lessons/goals.ts';
import { quiz, type Question } from './quiz.ts';

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

/** Whether a question's last answer was the right one. */
export const isRight = ({ options }: Question, answer: { readonly option: number } | undefined): boolean =>
  answer !== undefined && options[answer.option]?.right === true;

/** @param titleOf an exercise's title as the learner reads it */
export function standing(
  workspace: Workspace,
  places: readonly Place[],
  titleOf = ({ lesson }: Place): string => lesson.title,
): GoalStanding[] {
  const answers = new Answers(workspace.root).all();
  return GOALS.map(({ id, can }) => {
    const exercises = places
      .filter(({ lesson }) => lesson.goals.includes(id))
      .map((place): ExerciseStanding => {
        const { done = null, hints } = workspace.progress(place);
        return { number: place.number, title: titleOf(place).replaceAll('`', ''), done, hints };
      });
    const questions = quiz().filter(({ goal }) => goal === id);
    const right = questions.filter((question) => isRight(question, answers[question.id])).length;
    const reached = right === questions.length && exercises.every(({ done }) => done !== null);
    return { id, can, exercises, questions: { all: questions.length, right }, reached };
  });
}

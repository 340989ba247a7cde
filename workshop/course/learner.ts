/** The course of the learner whose workspace it is. */
import { lessonIn, places } from '../lessons/exercise.ts';
import type { Workspace } from '../lessons/workspace.ts';
import { Answers } from './answers.ts';
import { quiz } from './quiz.ts';
import { asked, standing, type AskedQuestion, type GoalStanding } from './standing.ts';

/** How far a learner is, by goal, and the questions, in the learner's language. */
export function courseOf(workspace: Workspace): { goals: GoalStanding[]; questions: AskedQuestion[] } {
  const { language } = workspace;
  const chosen = new Answers(workspace.root).all();
  const questions = quiz(language);
  const exercises = places().map((place) => {
    const { done = null, hints } = workspace.progress(place);
    const title = lessonIn(place, language).title.replaceAll('`', '');
    return { number: place.number, title, goals: place.lesson.goals, done, hints };
  });
  return { goals: standing(exercises, questions, chosen), questions: asked(questions, chosen) };
}

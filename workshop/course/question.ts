/** A question of the quiz. */
import type { GoalId } from '../lessons/goals.ts';

export interface Option {
  readonly text: string;
  readonly right: boolean;
  /** Why it is right or wrong. */
  readonly why: string;
}

export interface Question {
  readonly id: string;
  readonly goal: GoalId;
  /** Markdown of one paragraph. */
  readonly ask: string;
  /** What the question is about: it asks which line is wrong. */
  readonly code: string | undefined;
  /** Exactly one is right. */
  readonly options: readonly Option[];
}

/** The goals of the course. Each exercise and each question of the quiz says which of them it serves. */
import { en } from '../languages/en.ts';

export type GoalId = keyof typeof en.can;

export const GOALS = Object.entries(en.can).map(([id, can]) => ({ id: id as GoalId, can }));

export const isGoal = (word: string): word is GoalId => Object.hasOwn(en.can, word);

/** The goals of the course. Each exercise and each question of the quiz says which of them it serves. */

export const GOALS = [
  { id: 'define', can: 'say what a sidecar is: what it shares with its application, and what it promises' },
  { id: 'identify', can: 'find the sidecars of a repository, and tell them from what only looks like one' },
  { id: 'build', can: 'put a sidecar beside an application without a change to it, and keep it running' },
  { id: 'decide', can: 'say when a sidecar is the wrong answer, and what is right instead' },
] as const;

export type GoalId = (typeof GOALS)[number]['id'];

export const isGoal = (word: string): word is GoalId => GOALS.some(({ id }) => id === word);

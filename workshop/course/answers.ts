/** What a learner has answered: a file of the workspace. */
import { join } from 'node:path';
import { keep, kept } from '../lessons/kept.ts';

export interface Answer {
  /** The option that was chosen last, from 0. */
  readonly option: number;
  /** How often an option was chosen. */
  readonly tries: number;
}

export class Answers {
  readonly #file: string;

  /** @param root the workspace's folder */
  constructor(root: string) {
    this.#file = join(root, 'quiz.json');
  }

  /** By a question's id. */
  all(): Readonly<Record<string, Answer>> {
    return kept<Answer>(this.#file);
  }

  note(id: string, option: number): void {
    const before = this.all();
    keep(this.#file, { ...before, [id]: { option, tries: (before[id]?.tries ?? 0) + 1 } });
  }
}

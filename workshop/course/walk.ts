/**
 * How long a walk through an exercise takes for somebody who makes no mistake and does not think: reading the lesson,
 * typing what the solution has and the start has not, and waiting for the engine. What a learner needs besides is
 * thinking, and is what the minutes of a lesson leave over.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { commandBlocks } from '../../scripts/test/readme-blocks.ts';
import type { Place } from '../lessons/exercise.ts';
import { SCRIPT } from '../lessons/workspace.ts';
import { unindented } from '../lessons/lesson.ts';

/** Words a minute, of a technical text in a second language; in their own, adults read some 240. */
const READING = 130;
/** Characters a minute: 40 words a minute is 200, and configuration goes half as fast. */
const TYPING = 100;

export interface Walk {
  /** Minutes each. */
  readonly reading: number;
  readonly typing: number;
  readonly engine: number;
}

/**
 * A walk through an exercise.
 * @param engine seconds from the beginning to the first look, and from the edit to green
 */
export function walkThrough({ dir }: Pick<Place, 'dir'>, engine: number): Walk {
  const lesson = readFileSync(join(dir, 'README.md'), 'utf8');
  const commands = commandBlocks(unindented(lesson)).flatMap((block) => block.commands.map(({ text }) => text));
  const typed = [...commands, ...typedLines(join(dir, 'start'), join(dir, 'solution'))];
  return {
    reading: lesson.split(/\s+/).length / READING,
    typing: typed.reduce((sum, line) => sum + line.trim().length, 0) / TYPING,
    engine: engine / 60,
  };
}

/** Lines of the solution that are not in the start; indentation is the editor's work. */
function typedLines(start: string, solution: string): string[] {
  const files = readdirSync(solution, { recursive: true, withFileTypes: true }).filter((each) => each.isFile());
  return files.flatMap(({ parentPath, name }) => {
    const path = join(parentPath, name).slice(solution.length + 1);
    const before = name !== SCRIPT && existsSync(join(start, path)) ? lines(join(start, path)) : [];
    return lines(join(solution, path)).filter((line) => !before.includes(line));
  });
}

const lines = (path: string): string[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .map((line) => line.trim());

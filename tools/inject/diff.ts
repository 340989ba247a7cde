/** What a plan would change, for people. */
import { createTwoFilesPatch } from 'diff';
import { relative } from 'node:path';
import { EXIT_OK, type CommandContext } from '../command/command.ts';
import type { Plan } from './inject.ts';

export function showDiff({ path, before, after }: Plan, { folder, out }: CommandContext): number {
  if (before === after) out('Nothing would change.\n');
  else {
    const name = relative(folder, path);
    out(createTwoFilesPatch(name, name, before ?? '', after ?? '', '', '', { context: 3 }).replace(/^=+\n/, ''));
  }
  return EXIT_OK;
}

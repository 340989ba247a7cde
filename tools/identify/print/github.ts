/** Warnings as annotations on GitHub. */
import { annotation } from '../../command/annotation.ts';
import type { Answer } from '../model/answer.ts';

export function github({ groups, notes }: Answer): string {
  return [...groups.flatMap(({ warnings }) => warnings), ...notes].map(annotation).join('');
}

/** Warnings as the workflow commands that GitHub shows beside the lines of a change. */
import type { Answer } from '../answer.ts';

export function github({ groups, notes }: Answer): string {
  const all = [...groups.flatMap(({ warnings }) => warnings), ...notes];
  return all
    .map(({ level, file, line, code, message }) => {
      const kind = level === 'note' ? 'notice' : level;
      return `::${kind} file=${property(file)},line=${line},title=${property(code)}::${data(message)}\n`;
    })
    .join('');
}

const data = (text: string): string => text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
const property = (text: string): string => data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');

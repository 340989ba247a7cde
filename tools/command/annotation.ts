/** A finding as the workflow command that GitHub shows beside the line of a change. */

export interface Annotated {
  readonly level: 'error' | 'warning' | 'note';
  readonly code: string;
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

/** One line, with its newline. */
export function annotation({ level, code, file, line, message }: Annotated): string {
  const kind = level === 'note' ? 'notice' : level;
  return `::${kind} file=${property(file)},line=${line},title=${property(code)}::${data(message)}\n`;
}

const data = (text: string): string => text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
const property = (text: string): string => data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');

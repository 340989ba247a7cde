import { chalk } from 'zx/core';

/** How a finding is to be taken: all right, worth knowing, or in the way. */
export type Mark = 'ok' | 'note' | 'bad';

/** A line of a report: what was looked at and what was found. */
export interface Finding {
  mark: Mark;
  name: string;
  text: string;
  /** What to do about it: lines, commands indented by four spaces. */
  advice?: readonly string[];
}

const SIGNS: Record<Mark, string> = { ok: '✓', note: '!', bad: '✗' };

/** Columns of a line: what fits the narrowest usual terminal. */
const WIDTH = 80;

/** Columns of the names. */
const NAME_WIDTH = 12;

/**
 * Formats findings as aligned lines of at most 80 columns, longer texts continued under their
 * beginning, advice below. Coloured when standard output is a terminal that shows colours.
 */
export function formatFindings(findings: readonly Finding[]): string[] {
  const paint = { ok: chalk.green, note: chalk.yellow, bad: chalk.red };
  const indent = ' '.repeat(2 + 2 + NAME_WIDTH + 1);
  return findings.flatMap(({ mark, name, text, advice = [] }) => {
    const [first = '', ...more] = wrap(text, WIDTH - indent.length);
    return [
      `  ${paint[mark](SIGNS[mark])} ${name.padEnd(NAME_WIDTH)} ${first}`,
      ...more.map((line) => indent + line),
      ...advice
        .flatMap((line) => (line.startsWith('    ') ? [line] : wrap(line, WIDTH - indent.length)))
        .map((line) => indent + line),
    ];
  });
}

/** Breaks a text at blanks into lines of at most `width` columns; a longer word stays whole. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** Formats a size in bytes: `23.5 GB` (of 1000³ bytes), one decimal. */
export function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

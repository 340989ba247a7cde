/** Files of NAME:SECRET:GROUP,GROUP, a line each; empty lines and those that begin with # are comments. */

const MAX_LINES = 50_000;

/** A line that cannot be used. What it holds is not shown: it may be a secret. */
export class BadLine extends Error {
  constructor(number: number, wrong: string) {
    super(`line ${number} ${wrong}`);
  }
}

export interface Line {
  /** Counted from 1. */
  readonly number: number;
  readonly name: string;
  readonly secret: string;
  readonly groups: readonly string[];
}

/** @throws {BadLine} */
export function linesOf(text: string): Line[] {
  const lines = text.split(/\r?\n/);
  if (lines.length > MAX_LINES) throw new BadLine(MAX_LINES + 1, `is one too many: at most ${MAX_LINES} are taken`);
  const seen = new Set<string>();
  return lines.flatMap((line, index): Line[] => {
    if (line.trim() === '' || line.startsWith('#')) return [];
    const [name = '', secret = '', groups = ''] = line.trim().split(':');
    if (name === '' || /\p{Cc}/u.test(name)) throw new BadLine(index + 1, 'begins with no name');
    if (seen.has(name)) throw new BadLine(index + 1, 'has the same name as a line before it');
    seen.add(name);
    const listed = groups.split(',').map((group) => group.trim());
    return [{ number: index + 1, name, secret, groups: listed.filter((group) => group !== '') }];
  });
}

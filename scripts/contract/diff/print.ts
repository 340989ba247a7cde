/** A comparison for a reader at a terminal of 80 columns. */
import { styleText } from 'node:util';
import { wrap } from '#kit/text/wrap.ts';
import type { Change, Impact } from './change.ts';
import type { Comparison } from './compare.ts';

const HEADINGS: readonly [Impact, string, 'red' | 'green' | 'dim'][] = [
  ['breaking', 'breaks', 'red'],
  ['addition', 'adds', 'green'],
  ['wording', 'says otherwise', 'dim'],
];

/**
 * @param ref as the user named it
 * @param colour styles where the output is a terminal
 */
export function comparisonLines(comparison: Comparison, ref: string, colour: boolean): string[] {
  const { name, from, to, changes } = comparison;
  const style = (format: 'red' | 'green' | 'dim' | 'bold', text: string): string =>
    colour ? styleText(format, text, { validateStream: false }) : text;
  if (from === null) return [style('bold', `${name} ${to}: new, ${ref} has no contract of it`)];
  const heading = to === null ? `${name} ${from} at ${ref}: gone` : `${name}: ${from} at ${ref}, ${to} now`;
  const lines = [style('bold', heading)];
  for (const [impact, title, format] of HEADINGS) {
    const some = changes.filter((change) => change.impact === impact);
    if (some.length > 0 && to !== null) lines.push(`  ${style(format, title)}`, ...some.flatMap(changeLines));
  }
  return [...lines, ...verdict(comparison).map((line) => style(comparison.enough ? 'green' : 'red', line))];
}

function changeLines({ subject, what, advice }: Change): string[] {
  return [...wrap(`${subject} ${what}`, 4), ...(advice === undefined ? [] : wrap(`→ ${advice}`, 6))];
}

function verdict({ path, to, demanded, least, enough }: Comparison): string[] {
  if (to === null) return [];
  if (enough) return [demanded === 'none' ? '  no change' : `  ${to} is enough: this demands a ${demanded} version`];
  if (demanded === 'none')
    return wrap(
      `${to} is lower than what was published: the version must be ${least} or higher (${path}/src/contract.ts)`,
      2,
    );
  return wrap(
    `${to} is not enough: this demands a ${demanded} version, ${least} or higher (${path}/src/contract.ts)`,
    2,
  );
}

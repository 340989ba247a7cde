/** The generated tables between a README's markers. */
import type { Contract } from '#kit/contract/contract.ts';
import { SECTIONS, tableOf, type Section } from './tables.ts';

const END = '<!-- /contract -->';
const startOf = (section: Section): string => `<!-- contract:${section} -->`;

/**
 * Put the contract's tables between `<!-- contract:SECTION -->` and `<!-- /contract -->`.
 * @returns the README with its tables, the sections that it has no markers for, and those whose table differed
 */
export function fillReadme(readme: string, contract: Contract): { text: string; missing: Section[]; stale: Section[] } {
  const missing: Section[] = [];
  const stale: Section[] = [];
  let text = readme;
  for (const section of SECTIONS) {
    const start = text.indexOf(startOf(section));
    const from = start + startOf(section).length;
    const end = text.indexOf(END, from);
    const next = text.indexOf('<!-- contract:', from);
    // A start whose end is missing must not swallow the prose up to the next section's end.
    if (start < 0 || end < 0 || (next >= 0 && next < end)) {
      missing.push(section);
      continue;
    }
    const table = `\n${tableOf(contract, section)}`;
    if (text.slice(from, end) !== table) stale.push(section);
    text = text.slice(0, from) + table + text.slice(end);
  }
  return { text, missing, stale };
}

/** The two lines that a README lacks. */
export const markersOf = (section: Section): string => `${startOf(section)} ${END}`;

/** What an application that took a document must show. */
import { Invalid } from '../documents/invalid.ts';
import { CpuLimitExceeded, withCpuLimit } from '../work/cpu-limit.ts';
import type { Identity } from '../documents/document.ts';

/**
 * The text to look for; undefined when nothing can be expected, as of a file that was there before
 * the first document.
 * @throws {Invalid} when the document has nothing of the kind
 */
export type Expectation = (id: Identity, content: Uint8Array) => string | undefined;

/**
 * Read an expectation.
 * @param text `{version}`, `{digest}` and any text around them; or `/PATTERN/FLAGS` with one group,
 * which is matched against the document
 * @throws {Error} when the pattern is none, or has not one group
 */
export function parseExpectation(text: string): Expectation {
  const [, source, flags] = /^\/(.+)\/([a-z]*)$/s.exec(text) ?? [];
  if (source === undefined) {
    return ({ version, digest }) =>
      version === '' && text.includes('{version}')
        ? undefined
        : text.replace(/\{(version|digest)\}/g, (_whole, name) => (name === 'version' ? version : digest));
  }
  const pattern = new RegExp(source, flags);
  const groups = new RegExp(`${source}|`, flags).exec('')!.length - 1;
  if (groups !== 1) throw new Error(`${text} has ${groups} groups; it needs one, around what must be shown`);
  return ({ version }, content) => {
    const found = find(pattern, Buffer.from(content).toString('utf8'))?.trim();
    if (found !== undefined && found.length > EXPECTED_MAX)
      throw new Invalid(`what matches ${text} in it is longer than ${EXPECTED_MAX} characters`);
    if (found) return found;
    if (version === '') return undefined;
    throw new Invalid(`nothing in it matches ${text}, which the application is to show`);
  };
}

/** Longest text that an application is to show. */
const EXPECTED_MAX = 1000;
/** How long a pattern may look for it in a document, in milliseconds. */
const FIND_TIME = 250;

/** The group of a pattern in a document, which may be made to make it search without end. */
function find(pattern: RegExp, document: string): string | undefined {
  pattern.lastIndex = 0;
  try {
    return withCpuLimit(FIND_TIME, () => pattern.exec(document)?.[1]);
  } catch (error) {
    if (!(error instanceof CpuLimitExceeded)) throw error;
    throw new Invalid(`looking for /${pattern.source}/ in it takes longer than ${FIND_TIME} ms`);
  }
}

/** Whether a text has the expected one as a whole word: 1 is not shown by 21. */
export function shows(text: string, expected: string): boolean {
  const letter = (char: string | undefined): boolean => char !== undefined && /[\p{L}\p{N}_]/u.test(char);
  for (let at = text.indexOf(expected); at >= 0; at = text.indexOf(expected, at + 1)) {
    if (!letter(expected[0]) || !letter(text[at - 1])) {
      if (!letter(expected.at(-1)) || !letter(text[at + expected.length])) return true;
    }
  }
  return false;
}

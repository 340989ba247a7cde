/** JSON, RFC 8259. */
import { Invalid, place } from '../documents/invalid.ts';

const BLANKS = /[ \t\n\r]*/y;
// A string holds anything from the blank on, but quotes and backslashes.
const SCALAR =
  /"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;

/**
 * Parse a JSON document.
 * @throws {Invalid} with the place of the first mistake
 */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // Its message quotes the document, and not always says where.
    throw new Invalid(`not JSON at ${place(text, syntaxErrorOffset(text))}`);
  }
}

/**
 * Where a text stops being JSON.
 * @returns the offset of the first token that cannot be there; the text's length when it only ends too early
 */
export function syntaxErrorOffset(text: string): number {
  let at = 0;
  const open: ('{' | '[')[] = [];
  const blanks = (): string | undefined => {
    BLANKS.lastIndex = at;
    BLANKS.exec(text);
    at = BLANKS.lastIndex;
    return text[at];
  };
  const scalar = (only?: '"'): boolean => {
    SCALAR.lastIndex = at;
    if ((only && text[at] !== only) || !SCALAR.test(text)) return false;
    at = SCALAR.lastIndex;
    return true;
  };
  /** A member's name and its colon. */
  const name = (): boolean => {
    blanks();
    if (!scalar('"') || blanks() !== ':') return false;
    at += 1;
    return true;
  };
  for (;;) {
    // A value begins here.
    const char = blanks();
    if (char === '{' || char === '[') {
      at += 1;
      if (blanks() === (char === '{' ? '}' : ']')) at += 1;
      else {
        open.push(char);
        if (char === '{' && !name()) return at;
        continue;
      }
    } else if (!scalar()) return at;
    // A value has ended here: so may what holds it.
    for (;;) {
      const next = blanks();
      const holder = open.at(-1);
      if (holder === undefined) return at;
      if (next === ',') break;
      if (next !== (holder === '{' ? '}' : ']')) return at;
      at += 1;
      open.pop();
    }
    at += 1;
    if (open.at(-1) === '{' && !name()) return at;
  }
}

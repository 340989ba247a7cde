/**
 * Properties as Java's `java.util.Properties` reads them, but stricter, so that a web page does not
 * pass for one: a key is followed by = or :, and comes once.
 * Source: https://docs.oracle.com/en/java/javase/21/docs/api/java.base/java/util/Properties.html#load(java.io.Reader)
 */
import { Invalid } from '../documents/invalid.ts';

const ESCAPES: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' };

/**
 * Parse a properties document.
 * @returns values by key, escapes resolved
 * @throws {Invalid} with the line of the first mistake
 */
export function parseProperties(text: string): Record<string, string> {
  const values = Object.create(null) as Record<string, string>;
  const lines = text.split(/\r\n|\r|\n/);
  for (let index = 0; index < lines.length; index++) {
    const wrong = wrongAt(index + 1);
    const first = withoutIndent(lines[index]!);
    if (first === '' || /^[#!]/.test(first)) continue;
    const parts = [first];
    while (goesOn(parts.at(-1)!)) {
      parts.push(parts.pop()!.slice(0, -1));
      parts.push(withoutIndent(lines[++index] ?? ''));
    }
    const line = parts.join('');
    const [, before, value] = /^((?:\\.|[^\\=:])*)[=:][ \t\f]*(.*)$/s.exec(line) ?? [];
    if (before === undefined || value === undefined) throw wrong('a key is not followed by = or :');
    const key = withoutTrailingBlanks(before);
    if (key === '') throw wrong('there is no key');
    if (/[ \t\f]/.test(key.replace(/\\./gs, ''))) throw wrong('a blank within a key is not escaped');
    const name = unescape(key, wrong);
    if (Object.hasOwn(values, name)) throw wrong('a key comes a second time');
    values[name] = unescape(value, wrong);
  }
  return values;
}

const withoutIndent = (line: string): string => line.replace(/^[ \t\f]+/, '');

/** Whether a line ends in an odd number of backslashes, and so goes on in the next. */
function goesOn(line: string): boolean {
  let at = line.length;
  while (line[at - 1] === '\\') at -= 1;
  return (line.length - at) % 2 === 1;
}

/** A key without the blanks before its = or :, but with one that is escaped. */
function withoutTrailingBlanks(text: string): string {
  let end = text.length;
  while (end > 0 && ' \t\f'.includes(text[end - 1]!)) end -= 1;
  return end < text.length && goesOn(text.slice(0, end)) ? text.slice(0, end + 1) : text.slice(0, end);
}

const wrongAt = (line: number) => (what: string) => new Invalid(`not properties at line ${line}: ${what}`);

function unescape(text: string, wrong: (what: string) => Invalid): string {
  return text.replace(/\\(u[0-9a-fA-F]{4}|u|.)/gs, (_whole, escape: string) => {
    if (escape === 'u') throw wrong(String.raw`\u is not followed by four hexadecimal digits`);
    if (escape.length > 1) return String.fromCharCode(Number.parseInt(escape.slice(1), 16));
    return ESCAPES[escape] ?? escape;
  });
}

/**
 * Properties as Java's `java.util.Properties` reads them, but stricter, so that a web page does not
 * pass for one: a key is followed by = or :, and comes once.
 * Source: https://docs.oracle.com/en/java/javase/21/docs/api/java.base/java/util/Properties.html#load(java.io.Reader)
 */
import { Invalid } from './invalid.ts';

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
    let line = lines[index]!.replace(/^[ \t\f]+/, '');
    if (line === '' || /^[#!]/.test(line)) continue;
    // An odd number of backslashes at the end: the line goes on in the next.
    while (/(?<!\\)(?:\\\\)*\\$/.test(line)) {
      line = line.slice(0, -1) + (lines[++index] ?? '').replace(/^[ \t\f]+/, '');
    }
    const [, key, value] = /^((?:\\.|[^\\=:])*?)[ \t\f]*[=:][ \t\f]*(.*)$/s.exec(line) ?? [];
    if (key === undefined || value === undefined) throw wrong('a key is not followed by = or :');
    if (key === '') throw wrong('there is no key');
    if (/[ \t\f]/.test(key.replace(/\\./gs, ''))) throw wrong('a blank within a key is not escaped');
    const name = unescape(key, wrong);
    if (Object.hasOwn(values, name)) throw wrong('a key comes a second time');
    values[name] = unescape(value, wrong);
  }
  return values;
}

const wrongAt = (line: number) => (what: string) => new Invalid(`not properties at line ${line}: ${what}`);

function unescape(text: string, wrong: (what: string) => Invalid): string {
  return text.replace(/\\(u[0-9a-fA-F]{4}|u|.)/gs, (_whole, escape: string) => {
    if (escape === 'u') throw wrong(String.raw`\u is not followed by four hexadecimal digits`);
    if (escape.length > 1) return String.fromCharCode(Number.parseInt(escape.slice(1), 16));
    return ESCAPES[escape] ?? escape;
  });
}

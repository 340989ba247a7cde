/**
 * INI, as Python's configparser reads it by default: sections in brackets, `name = value` or
 * `name: value`, comments on lines of their own after # or ;, further lines of a value indented, no
 * section or name twice.
 * Source: https://docs.python.org/3/library/configparser.html#supported-ini-file-structure
 */
import { Invalid } from '../documents/invalid.ts';

export type Sections = Record<string, Record<string, string>>;

/** A section or a value that may still grow. */
interface Reading {
  readonly values: Record<string, string>;
  /** In lower case: names differ by more than case. */
  readonly names: Set<string>;
  last: string | undefined;
  indent: number;
}

/**
 * Parse an INI document.
 * @returns the values as text, by section and name as they are spelled
 * @throws {Invalid} with the line of the first mistake
 */
export function parseIni(text: string): Sections {
  const sections: Sections = Object.create(null) as Sections;
  let section: Reading | undefined;
  for (const [index, line] of text.split(/\r\n|\r|\n/).entries()) {
    const wrong = (what: string): Invalid => new Invalid(`not INI at line ${index + 1}: ${what}`);
    const content = line.trim();
    if (content === '' || /^[#;]/.test(content)) continue;
    const indent = line.length - line.trimStart().length;
    if (section?.last !== undefined && indent > section.indent) {
      section.values[section.last] += `\n${content}`;
      continue;
    }
    const header = /^\[([^\]]+)\]$/.exec(content);
    if (header) {
      const name = header[1]!;
      if (Object.hasOwn(sections, name)) throw wrong('a section comes a second time');
      section = {
        values: (sections[name] = Object.create(null) as Record<string, string>),
        names: new Set(),
        last: undefined,
        indent,
      };
      continue;
    }
    if (content.startsWith('[')) throw wrong('a section has no closing bracket, or something follows it');
    if (!section) throw wrong('a value comes before the first section');
    const [, name = '', value = ''] = /^([^=:]*)[=:](.*)$/s.exec(content) ?? [];
    const spelled = name.trimEnd();
    if (spelled === '') throw wrong('it is neither a section, a comment nor name = value');
    if (section.names.has(spelled.toLowerCase())) throw wrong('a name comes a second time in its section');
    section.names.add(spelled.toLowerCase());
    section.values[spelled] = value.trim();
    section.last = spelled;
    section.indent = indent;
  }
  return sections;
}

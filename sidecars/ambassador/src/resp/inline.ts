/** Commands as people type them: words and quoted strings in a line, as valkey-server reads them. */

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', a: '\u0007' };

/**
 * Split a line.
 * @param line without its LF, as Latin-1 text
 * @returns the words; undefined when a quote is not closed, or text follows a closing quote at once
 */
export function splitInline(line: string): string[] | undefined {
  const words: string[] = [];
  let at = 0;
  for (;;) {
    while (at < line.length && isBlank(line.charCodeAt(at))) at++;
    if (at === line.length) return words;
    let word = '';
    while (at < line.length && !isBlank(line.charCodeAt(at))) {
      const letter = line[at++]!;
      if (letter !== '"' && letter !== "'") {
        word += letter;
        continue;
      }
      const quoted = letter === '"' ? doubleQuoted(line, at) : singleQuoted(line, at);
      if (quoted === undefined) return undefined;
      word += quoted.text;
      at = quoted.end;
      if (at < line.length && !isBlank(line.charCodeAt(at))) return undefined;
    }
    words.push(word);
  }
}

function doubleQuoted(line: string, from: number): { text: string; end: number } | undefined {
  let text = '';
  for (let at = from; at < line.length; at++) {
    const letter = line[at]!;
    if (letter === '"') return { text, end: at + 1 };
    if (letter !== '\\' || at + 1 === line.length) {
      text += letter;
      continue;
    }
    const hex = /^x([0-9a-fA-F]{2})/.exec(line.slice(at + 1, at + 4));
    if (hex) {
      text += String.fromCharCode(Number.parseInt(hex[1]!, 16));
      at += 3;
    } else {
      at++;
      text += ESCAPES[line[at]!] ?? line[at]!;
    }
  }
  return undefined;
}

function singleQuoted(line: string, from: number): { text: string; end: number } | undefined {
  let text = '';
  for (let at = from; at < line.length; at++) {
    if (line[at] === "'") return { text, end: at + 1 };
    if (line[at] === '\\' && line[at + 1] === "'") at++;
    text += line[at]!;
  }
  return undefined;
}

/** Blanks as C's isspace has them. */
const isBlank = (code: number): boolean => code === 0x20 || (code >= 9 && code <= 13) || code === 0;

/** What no line is broken in: a command between backticks with what is stuck to it, or a word. */
const WORD = /[^\s`]*`[^`]*`[^\s`]*|(?<=^| )[^ ]*/g;

/**
 * Break a text into lines.
 * @param text words separated by single blanks; blanks before the first stay, so that rows of a table stay aligned
 * @param indent blanks before each line
 * @param width columns, the indent included; a longer word stands alone, and so does a command between
 * backticks, which can then be copied whole
 */
export function wrap(text: string, indent: number, width = 80): string[] {
  const pad = ' '.repeat(indent);
  const lines: string[] = [];
  const words = text.trimStart();
  let line = text.slice(0, text.length - words.length);
  for (const word of words.match(WORD) ?? ['']) {
    if (line.trim() !== '' && indent + line.length + 1 + word.length > width) {
      lines.push(pad + line);
      line = word;
    } else line = line.trim() === '' ? line + word : `${line} ${word}`;
  }
  return [...lines, pad + line];
}

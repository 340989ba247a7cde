/**
 * Break a text into lines.
 * @param text words separated by single blanks
 * @param indent blanks before each line
 * @param width columns, the indent included; a longer word stands alone
 */
export function wrap(text: string, indent: number, width = 80): string[] {
  const pad = ' '.repeat(indent);
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && indent + line.length + 1 + word.length > width) {
      lines.push(pad + line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, pad + line];
}

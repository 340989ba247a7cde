/** Text of unknown origin, made safe to print. */

// Control characters move a terminal's cursor, or colour it; those of Unicode turn the direction of
// what follows around, or are invisible.
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}]/gu;

/**
 * Replace what cannot be seen by what can: `\n` by the two characters `\` and `n`, others by `\u{…}`.
 * @param text any text
 */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => {
    if (character === '\n') return '\\n';
    if (character === '\t') return '\\t';
    return `\\u{${character.codePointAt(0)!.toString(16)}}`;
  });
}

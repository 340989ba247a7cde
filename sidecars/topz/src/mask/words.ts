/** A command inside an argument, such as that of `sh -c`, taken apart and put together again. */

/** Words as a shell would split them, each with its quotes, and what stands before each. */
export interface Words {
  readonly words: string[];
  /** One more than there are words: the last is what follows them. */
  readonly between: string[];
}

/**
 * Split at blanks outside quotes. An open quote reaches to the end.
 * @param text any text
 */
export function splitWords(text: string): Words {
  const words: string[] = [];
  const between: string[] = [];
  let at = 0;
  for (;;) {
    const gap = at;
    while (at < text.length && isBlank(text[at]!)) at++;
    between.push(text.slice(gap, at));
    if (at >= text.length) return { words, between };
    const begin = at;
    let quote = '';
    for (; at < text.length; at++) {
      const character = text[at]!;
      if (quote === '' && isBlank(character)) break;
      if (character === '\\' && quote !== "'") at++;
      else if (quote === '' && (character === '"' || character === "'")) quote = character;
      else if (character === quote) quote = '';
    }
    at = Math.min(at, text.length);
    words.push(text.slice(begin, at));
  }
}

/** The opposite of `splitWords`. */
export function joinWords({ words, between }: Words): string {
  return words.map((word, index) => between[index]! + word).join('') + between[words.length]!;
}

const isBlank = (character: string): boolean => /\s/.test(character);

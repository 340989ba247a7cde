/** What compose's values say: durations and command lines. */

const SECONDS: Readonly<Record<string, number>> = { us: 1e-6, ms: 1e-3, s: 1, m: 60, h: 3600 };

/**
 * A duration of compose (`1m30s`, `500ms`, a bare number of seconds) in whole seconds, rounded up: Kubernetes'
 * probes know no parts of one.
 */
export function seconds(duration: string | undefined): number | undefined {
  if (duration === undefined) return undefined;
  if (/^\d+$/.test(duration)) return Number(duration);
  const parts = [...duration.matchAll(/(\d+(?:\.\d+)?)(us|ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== duration) return undefined;
  return Math.ceil(parts.reduce((total, [, count, unit]) => total + Number(count) * SECONDS[unit!]!, 0) - 1e-9);
}

/**
 * Words of a command line as a POSIX shell splits them, without expansions: how compose reads a command that is no
 * list.
 */
export function words(line: string): string[] {
  const found: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let at = 0; at < line.length; at++) {
    const letter = line[at]!;
    if (letter === '\\' && quote !== "'" && at + 1 < line.length) {
      const next = line[++at]!;
      // Within double quotes a backslash stands before few letters only.
      word = (word ?? '') + (quote === '"' && !'"\\$`'.includes(next) ? `\\${next}` : next);
    } else if (quote !== '') {
      if (letter === quote) quote = '';
      else word += letter;
    } else if (letter === '"' || letter === "'") {
      quote = letter;
      word ??= '';
    } else if (/\s/.test(letter)) {
      if (word !== undefined) found.push(word);
      word = undefined;
    } else word = (word ?? '') + letter;
  }
  return word === undefined ? found : [...found, word];
}

/**
 * A time as an operator describes it, in the words of `strftime`, found in a line of text.
 *
 * The pattern becomes a regular expression of pieces that are all of bounded length, and is looked for in
 * the beginning of a line only, so no line takes long.
 */
import { ConfigurationError } from '#kit/contract/parameters.ts';
import { compose, epochTime, MONTHS, ZONE } from './time.ts';

/** No more of a line is looked at, in characters. */
const GLANCE = 200;
const DAY = 86_400_000;

const DIGITS = {
  Y: String.raw`(?<Y>[12]\d{3})`,
  m: String.raw`(?<m>0[1-9]|1[0-2])`,
  d: String.raw`(?<d>0[1-9]|[12]\d|3[01])`,
  e: String.raw`(?<e> [1-9]|[12]\d|3[01]|0?[1-9])`,
  H: String.raw`(?<H>[01]\d|2[0-3])`,
  M: String.raw`(?<M>[0-5]\d)`,
  S: String.raw`(?<S>[0-5]\d)`,
  f: String.raw`(?<f>\d{1,9})`,
  s: String.raw`(?<s>\d{10})`,
};
const WORDS: Readonly<Record<string, string>> = {
  ...DIGITS,
  b: `(?<b>${MONTHS.join('|')})`,
  z: `(?<z>${ZONE.slice(1, -1)})`,
};
/** Of each, at most one is said. */
const ALTERNATIVES = ['mb', 'de'];

type Word = keyof typeof DIGITS | 'b' | 'z';

/** @returns the time that a line says, as `@timestamp` wants it; undefined when it says none */
export type TimeReader = (text: string, readAt: string) => string | undefined;

/**
 * Compile a pattern: `%Y %m %d %e %b %H %M %S %f %z %s` and `%%`; everything else stands for itself.
 *
 * A time without a year is of the latest year in which it is not more than a day ahead of the time at which the
 * line was read; one without a zone is of the process' own (`TZ`, UTC where that is not set).
 * @param parameter where the pattern was given, for the error
 * @throws {ConfigurationError} when it does not describe a time
 */
export function compileTimePattern(parameter: string, pattern: string): TimeReader {
  const pieces = [...pattern.matchAll(/%(.?)|[^%]+/gsu)];
  const words = pieces.flatMap(([piece, word]) => (piece.startsWith('%') && word !== '%' ? [word!] : []));
  const problem = problemOf(words);
  if (problem !== undefined)
    throw new ConfigurationError([
      {
        parameter,
        reason: 'malformed',
        message: `${parameter}: ${problem}; accepted is a pattern such as %d/%m/%Y %H:%M:%S.%f, of %Y %m %d %e %b %H %M %S %f %z %s and %%`,
      },
    ]);
  const source = pieces
    .map(([piece, word]) => (word === undefined || word === '%' ? RegExp.escape(word ?? piece) : WORDS[word]))
    .join('');
  // A time does not begin or end within a number: the 1st is not found in the 31st of a month that has none.
  const before = Object.hasOwn(DIGITS, pieces[0]![1] ?? '') ? String.raw`(?<!\d)` : '';
  const after = Object.hasOwn(DIGITS, pieces.at(-1)![1] ?? '') ? String.raw`(?!\d)` : '';
  const time = new RegExp(before + source + after, 'i');
  return (text, readAt) => {
    const { groups } = time.exec(text.slice(0, GLANCE)) ?? {};
    return groups === undefined ? undefined : timeOf(groups, readAt);
  };
}

/** Why some words describe no time; undefined when they do. */
function problemOf(words: readonly string[]): string | undefined {
  const unknown = words.find((word) => !Object.hasOwn(WORDS, word));
  if (unknown !== undefined) return `%${unknown} is not known`;
  const twice = words.find((word, at) => words.indexOf(word) !== at);
  if (twice !== undefined) return `%${twice} is there twice`;
  const has = (word: Word): boolean => words.includes(word);
  if (has('s')) {
    const other = words.find((word) => word !== 's' && word !== 'f');
    return other === undefined ? undefined : `%${other} is there beside %s, which says all of it`;
  }
  for (const [one, another] of ALTERNATIVES as unknown as readonly [Word, Word][]) {
    if (has(one) && has(another)) return `%${one} and %${another} say the same`;
    if (!has(one) && !has(another)) return `there is neither %${one} nor %${another}, and no %s`;
  }
  if (!has('H')) return 'there is no %H, and no %s';
  return has('f') && !has('S') ? 'there is %f without %S' : undefined;
}

type Groups = Readonly<Partial<Record<string, string>>>;

function timeOf(groups: Groups, readAt: string): string | undefined {
  const { s, f, Y } = groups;
  if (s !== undefined) {
    const time = epochTime(f === undefined ? s : `${s}.${f}`);
    // Whole seconds are told as such, so that lines of one are counted up.
    return f === undefined ? time?.replace('.000Z', 'Z') : time;
  }
  if (Y !== undefined) return inYear(groups, Y);
  const now = Date.parse(readAt);
  const latest = new Date(now + DAY).getUTCFullYear();
  // From the other side of the world, the new year has begun.
  for (const year of [latest + 1, latest, latest - 1]) {
    const time = inYear(groups, String(year));
    if (time !== undefined && Date.parse(time) <= now + DAY) return time;
  }
  return undefined;
}

function inYear({ m, b, d, e, H, M = '00', S = '00', f, z }: Groups, year: string): string | undefined {
  const month = m ?? two(MONTHS.findIndex((name) => name.toLowerCase() === b!.toLowerCase()) + 1);
  return compose(`${year}-${month}-${two((d ?? e)!.trim())}`, `${H}:${M}:${S}`, f, z);
}

const two = (digits: string | number): string => String(digits).padStart(2, '0');

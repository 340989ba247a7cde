/** What a parameter takes, out of its `accepts` sentence: choices and bounds that became narrower or wider. */
import type { ParameterDocument } from '#kit/contract/contract.ts';
import type { Change } from './change.ts';
import { comparePatterns } from './patterns.ts';

/**
 * @param before and `after` are of one type and unit
 * @param patterns false when the old contract does not write patterns down, so that only sentences can be compared
 */
export function compareAccepted(
  subject: string,
  before: ParameterDocument,
  after: ParameterDocument,
  patterns: boolean,
): Change[] {
  const found = patterns ? comparePatterns(subject, before, after) : [];
  if (found.length > 0 || before.accepts === after.accepts) return found;
  const [oldChoices, newChoices] = [choicesOf(before.accepts), choicesOf(after.accepts)];
  if (oldChoices && newChoices) return compareChoices(subject, oldChoices, newChoices);
  const [old, now] = [boundsOf(before.accepts), boundsOf(after.accepts)];
  if (old.rest === now.rest) {
    const narrower = now.min > old.min || now.max < old.max;
    return [
      { impact: narrower ? 'breaking' : 'addition', subject, what: `took ${bounds(old)} and now takes ${bounds(now)}` },
    ];
  }
  const what = `took ${JSON.stringify(before.accepts)} and now takes ${JSON.stringify(after.accepts)}`;
  if (patterns && after.pattern !== undefined)
    return [{ impact: 'wording', subject, what: `${what}, by the same pattern` }];
  // Code checks it, or a pattern that the old contract does not have.
  return [{ impact: 'addition', subject, what, advice: 'see to it that this is no narrower: if it is, it breaks' }];
}

const choicesOf = (accepts: string): string[] | undefined => /^one of (.+)$/.exec(accepts)?.[1]?.split(', ');

function compareChoices(subject: string, before: readonly string[], after: readonly string[]): Change[] {
  const lost = before.filter((choice) => !after.includes(choice));
  const gained = after.filter((choice) => !before.includes(choice));
  return [
    ...lost.map((choice): Change => ({ impact: 'breaking', subject, what: `no longer takes ${choice}` })),
    ...gained.map((choice): Change => ({ impact: 'addition', subject, what: `also takes ${choice}` })),
  ];
}

interface Bounds {
  readonly min: number;
  readonly max: number;
  /** The sentence without its numbers. */
  readonly rest: string;
}

/** The tail that the kit writes: `, 1 to 64 s`, `, at least 100 ms`, `, at most 5`. */
function boundsOf(accepts: string): Bounds {
  const match = /, (?:(-?\d+) to (-?\d+)|at least (-?\d+)|at most (-?\d+))(?: \S+)?$/.exec(accepts);
  const [, from, to, least, most] = match ?? [];
  return {
    min: Number(from ?? least ?? -Infinity),
    max: Number(to ?? most ?? Infinity),
    rest: match ? accepts.slice(0, match.index) : accepts,
  };
}

function bounds({ min, max }: Bounds): string {
  if (min === -Infinity && max === Infinity) return 'any';
  if (max === Infinity) return `${min} and more`;
  return min === -Infinity ? `up to ${max}` : `${min} to ${max}`;
}

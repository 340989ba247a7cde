/** What a parameter takes, out of its `accepts` sentence: choices and bounds that became narrower or wider. */
import type { Change } from './change.ts';

/** @param before and `after` are `accepts` of contract.json, for one type and unit */
export function compareAccepted(subject: string, before: string, after: string): Change[] {
  if (before === after) return [];
  const [oldChoices, newChoices] = [choicesOf(before), choicesOf(after)];
  if (oldChoices && newChoices) return compareChoices(subject, oldChoices, newChoices);
  const [old, now] = [boundsOf(before), boundsOf(after)];
  if (old.rest === now.rest) {
    const narrower = now.min > old.min || now.max < old.max;
    return [
      { impact: narrower ? 'breaking' : 'addition', subject, what: `took ${bounds(old)} and now takes ${bounds(now)}` },
    ];
  }
  // Only the sentence is known, not the pattern behind it.
  return [
    {
      impact: 'addition',
      subject,
      what: `took ${JSON.stringify(before)} and now takes ${JSON.stringify(after)}`,
      advice: 'see to it that this is no narrower: if it is, it breaks',
    },
  ];
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

/** Recognising a parameter under its new name. */
import type { ParameterDocument } from '#kit/contract/contract.ts';

/** Half the evidence must point to it. */
const LIKELY = 0.5;

/**
 * The new parameter that a vanished one most likely became. UPDATE_FREQUENCY and UPDATE_PERIOD share
 * half of their words, a type, and mostly a sentence; that is taken as a rename.
 * @param candidates names that are new in `after`
 * @returns undefined when none is likely
 */
export function likelyRename(
  name: string,
  parameter: ParameterDocument,
  after: Readonly<Record<string, ParameterDocument>>,
  candidates: readonly string[],
): string | undefined {
  const scored = candidates
    .filter((candidate) => after[candidate]!.type === parameter.type)
    .map((candidate) => ({
      candidate,
      score: Math.max(
        overlap(words(name, '_'), words(candidate, '_')),
        overlap(words(parameter.description, /\W+/), words(after[candidate]!.description, /\W+/)),
      ),
    }))
    .filter(({ score }) => score >= LIKELY)
    .toSorted((a, b) => b.score - a.score);
  return scored[0]?.candidate;
}

const words = (text: string, separator: string | RegExp): Set<string> =>
  new Set(
    text
      .toLowerCase()
      .split(separator)
      .filter((word) => word !== ''),
  );

/** Dice's coefficient: 1 for the same words, 0 for none in common. */
function overlap(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  const shared = [...a].filter((word) => b.has(word)).length;
  return (2 * shared) / (a.size + b.size || 1);
}

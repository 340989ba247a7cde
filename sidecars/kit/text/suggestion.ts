/** The name that was probably meant. */

/**
 * `; did you mean X?` for the nearest known name within a third of its length; empty when none is near.
 * @param before what is written before the name, such as `--`
 */
export function suggestion(name: string, known: readonly string[], before = ''): string {
  const [nearest] = known
    .map((each) => ({ each, distance: editDistance(name, each) }))
    .filter(({ each, distance }) => distance <= Math.max(2, each.length / 3))
    .toSorted((a, b) => a.distance - b.distance);
  return nearest ? `; did you mean ${before}${nearest.each}?` : '';
}

/** Levenshtein's distance, by one row of the table at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      next.push(Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + cost));
    }
    row = next;
  }
  return row[b.length]!;
}

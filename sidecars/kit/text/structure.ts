/** What the values of every document from outside must be, whatever its syntax: a tree that programs can walk. */

/** Most levels of lists and maps within each other. */
export const DEPTH_MAX = 100;
/** Most values that aliases may add, each counted as often as it is referred to. */
const ADDED_MAX = 1_000_000;

interface Visit {
  readonly value: object;
  readonly children: Iterator<unknown>;
  /** Values in it so far, itself included. */
  count: number;
}

/**
 * Look through a document's values without recursion.
 * @returns why they cannot be used: they are nested too deeply, contain themselves, or grow by aliases without bound
 */
export function structureProblem(root: unknown): string | undefined {
  /** Values in each object that was looked through; 0 while it is being looked through. */
  const counts = new Map<object, number>();
  const path: Visit[] = [];
  let distinct = 0;
  let problem: string | undefined;
  const enter = (value: unknown): number => {
    if (typeof value !== 'object' || value === null) {
      distinct += 1;
      return 1;
    }
    const known = counts.get(value);
    if (known === 0) problem = 'an alias refers to what it is in: the document contains itself';
    if (known !== undefined) return known;
    if (path.length >= DEPTH_MAX) {
      problem = `it is nested deeper than ${DEPTH_MAX} levels`;
      return 0;
    }
    distinct += 1;
    counts.set(value, 0);
    path.push({ value, children: childrenOf(value), count: 1 });
    return 0;
  };
  enter(root);
  for (let visit = path.at(-1); visit && problem === undefined; visit = path.at(-1)) {
    const { done, value: child } = visit.children.next();
    if (!done) {
      visit.count += enter(child);
      continue;
    }
    path.pop();
    counts.set(visit.value, visit.count);
    const parent = path.at(-1);
    if (parent) parent.count += visit.count;
    // A list that is referred to a hundred times counts a hundred times: who walks it does so, too.
    if (visit.count > distinct + ADDED_MAX)
      problem = `its aliases add more than ${ADDED_MAX.toLocaleString('en')} values`;
  }
  return problem;
}

function* childrenOf(value: object): Iterator<unknown> {
  if (Array.isArray(value)) yield* value;
  else if (value instanceof Map)
    for (const [key, each] of value) {
      // A key that is a scalar is no value of its own.
      if (typeof key === 'object') yield key;
      yield each;
    }
  else if (!(value instanceof Date)) yield* Object.values(value);
}

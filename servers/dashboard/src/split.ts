/** Changes of a split, as the page sends them. */

const NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const MOST_SUBSETS = 20;

/** A change that the page may not make; the message says why. */
export class BadSplit extends Error {}

/**
 * Check the weights of a change.
 * @param text JSON: weights by subset
 * @throws {BadSplit}
 */
export function readWeights(text: string): Record<string, number> {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw new BadSplit('no JSON');
  }
  if (typeof document !== 'object' || document === null || Array.isArray(document))
    throw new BadSplit('weights are an object: {"v1":80,"v2":20}');
  const weights = Object.entries(document as Record<string, unknown>);
  if (weights.length === 0 || weights.length > MOST_SUBSETS)
    throw new BadSplit(`weights name 1 to ${MOST_SUBSETS} subsets`);
  for (const [name, weight] of weights) {
    if (!NAME.test(name)) throw new BadSplit(`${JSON.stringify(name.slice(0, 70))} is no name of a subset`);
    if (!Number.isInteger(weight) || (weight as number) < 0 || (weight as number) > 1_000_000)
      throw new BadSplit(`the weight of ${name} is a whole number from 0 to 1000000`);
  }
  if (weights.every(([, weight]) => weight === 0)) throw new BadSplit('one weight must be above 0');
  return Object.fromEntries(weights) as Record<string, number>;
}

/**
 * The service and route of a path below `/api/splits/`.
 * @throws {BadSplit}
 */
export function readSplitPath(path: string): { service: string; route: string } {
  const [service = '', route = '', ...rest] = path.split('/');
  if (!NAME.test(service) || !NAME.test(route) || rest.length > 0)
    throw new BadSplit('a split is at /api/splits/SERVICE/ROUTE');
  return { service, route };
}

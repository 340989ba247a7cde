/**
 * A document's values as schemas and templates look at them: as JSON would have them. Maps become
 * objects, dates text, large integers numbers.
 * @param value what `structureProblem` has passed, for this walks it as deep as it goes
 */
export function plain(value: unknown): unknown {
  const text = JSON.stringify(value, (_key, each: unknown) => {
    if (typeof each === 'bigint') return Number(each);
    if (each instanceof Map) return objectOf(each);
    return each;
  });
  return text === undefined ? undefined : (JSON.parse(text) as unknown);
}

function objectOf(map: ReadonlyMap<unknown, unknown>): Record<string, unknown> {
  const object = Object.create(null) as Record<string, unknown>;
  for (const [key, value] of map) object[typeof key === 'string' ? key : JSON.stringify(key)] = value;
  return object;
}

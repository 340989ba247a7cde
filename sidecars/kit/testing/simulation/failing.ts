/** What the tests of simulations share: many seeds, and defects that are put in by hand. */

export type Simulate = (seed: number) => Promise<{ readonly problems: readonly string[] }>;

/** The seeds that fail, each with the first things that are wrong. */
export async function failing(simulate: Simulate, from: number, count: number): Promise<string[]> {
  const failed: string[] = [];
  for (let seed = from; seed < from + count; seed++) {
    const { problems } = await simulate(seed);
    if (problems.length > 0) failed.push(`${seed}: ${problems.slice(0, 3).join('; ')} (${problems.length})`);
  }
  return failed;
}

/** The first seed that fails, from 1 on; undefined when none of so many does. */
export async function firstFailing(simulate: Simulate, most: number): Promise<number | undefined> {
  for (let seed = 1; seed <= most; seed++) if ((await simulate(seed)).problems.length > 0) return seed;
  return undefined;
}

/** Put a defect in. @param make gets what was there before @returns what takes it out again */
export function putDefect<T extends object, Name extends keyof T & string>(
  type: { readonly prototype: T },
  name: Name,
  make: (before: T[Name]) => T[Name],
): () => void {
  const before = Object.getOwnPropertyDescriptor(type.prototype, name)!;
  Object.defineProperty(type.prototype, name, { ...before, value: make(before.value as T[Name]) });
  return () => void Object.defineProperty(type.prototype, name, before);
}

/** Many seeds of a simulation. */

/** The seeds that fail, each with the first thing that is wrong. */
export async function failing(
  simulate: (seed: number) => Promise<{ readonly problems: readonly string[] }>,
  from: number,
  count: number,
): Promise<string[]> {
  const failed: string[] = [];
  for (let seed = from; seed < from + count; seed++) {
    const { problems } = await simulate(seed);
    if (problems.length > 0) failed.push(`${seed}: ${problems.slice(0, 3).join('; ')} (${problems.length})`);
  }
  return failed;
}

/** Obligations that touch different pods and mostly wait: they begin with the first of them, and are told in order. */
import type { Stage } from '../../../scripts/scenario/scenario.ts';
import type { Must } from './pods.ts';

type Obligation = readonly [...Parameters<Must>];

/** @param obligations as `must` takes them, none of which needs what another changes */
export function together(must: Must, obligations: readonly Obligation[]): void {
  let running: Promise<Ended>[] | undefined;
  for (const [index, [name, options]] of obligations.entries())
    must(name, options, async (stage) => {
      running ??= obligations.map(([, , check]) => begin(check, stage));
      const { said, failure } = await running[index]!;
      for (const text of said) stage.say(text);
      if (failure) throw failure.error;
    });
}

interface Ended {
  readonly said: readonly string[];
  readonly failure: { readonly error: unknown } | undefined;
}

/** What it says and throws is kept until it is its turn. */
async function begin(check: Obligation[2], stage: Stage): Promise<Ended> {
  const said: string[] = [];
  try {
    await check({ ...stage, say: (text) => void said.push(text) });
    return { said, failure: undefined };
  } catch (error) {
    return { said, failure: { error } };
  }
}

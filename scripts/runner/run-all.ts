/** Setup, build, then the chosen stacks side by side; interrupted by signals, torn down in any case. */
import { setup } from '../setup/setup.ts';
import { thisClone } from '../lib/clone.ts';
import { Project } from '../lib/compose.ts';
import { findStack, ROOT, type Stack } from '../lib/stacks.ts';
import { buildImages, resolveStacks, type Resolved } from './build.ts';
import { longestFirst, noteDurations, readDurations } from './durations.ts';
import type { Failure, Phase, Reporter, RunEvent, RunResult } from './events.ts';
import { unexpected } from './failure.ts';
import { nameless } from './own-images.ts';
import { orphanedRuns, leaveRun } from './runs.ts';
import { runStack, type RunOptions } from './run-stack.ts';

export interface RunAllOptions extends Omit<RunOptions, 'emit' | 'signal'> {
  /** How many stacks run at the same time. */
  readonly jobs: number;
  readonly signal: AbortSignal;
  readonly reporters: readonly Reporter[];
}

/**
 * Run stacks.
 * @param stacks which
 * @returns one result a stack; when setup or build failed, each carries that failure
 */
export async function runAll(stacks: readonly Stack[], options: RunAllOptions): Promise<RunResult[]> {
  const emit = (event: RunEvent): void => {
    for (const reporter of options.reporters) reporter.on(event);
  };
  const say = (text: string): void => emit({ event: 'note', text });
  const phases: Partial<Record<Phase, number>> = {};
  const own = new Map<Stack, readonly string[]>();

  /** A phase of all stacks together. */
  const common = async (phase: Phase, work: () => Promise<unknown>): Promise<Failure | undefined> => {
    const begin = performance.now();
    emit({ event: 'phase', phase, state: 'start' });
    const failure = await work().then(() => undefined, unexpected);
    phases[phase] = Math.round(performance.now() - begin);
    emit({ event: 'phase', phase, state: failure ? 'failed' : 'done', ms: phases[phase] });
    if (!failure) return undefined;
    return options.signal.aborted ? { reason: 'interrupted', message: `Interrupted during ${phase}.` } : failure;
  };

  // Goes on beside the setup; where the engine is yet to come, again after it.
  const guessed = process.env['IMAGE_TAG'] || 'dev';
  const resolved = Promise.all([resolveStacks(stacks), thisClone()])
    // Of a clone that has names of its own, the images are called otherwise.
    .then(([found]) => (process.env['IMAGE_TAG'] === guessed ? found : resolveStacks(stacks)))
    .catch((error: unknown) => error);
  const failure =
    (await common('setup', async () => {
      await setup({ say, signal: options.signal });
      await removeOrphans(say);
    })) ??
    (await common('build', async () => {
      const early = await resolved;
      const ready = Array.isArray(early) ? (early as Resolved[]) : await resolveStacks(stacks);
      for (const each of ready) own.set(each.stack, nameless(each.config));
      const built = await buildImages(ready, options.signal);
      if (built.length > 0) say(`built ${built.join(', ')}`);
    }));
  const results = failure
    ? stacks.map((stack) => notRun(stack, failure, phases))
    : await sideBySide(stacks, options.jobs, (stack) =>
        runStack(stack, { ...options, emit, nameless: own.get(stack) ?? [] }),
      );
  if (failure) for (const result of results) emit({ event: 'result', stack: result.stack, run: result.run, result });
  if (options.checks)
    noteDurations(ROOT, Object.fromEntries(results.flatMap(({ stack, ok, ms }) => (ok ? [[stack, ms]] : []))));
  for (const reporter of options.reporters) reporter.close?.(results);
  return results;
}

/** Remove what runners that were killed left behind. */
async function removeOrphans(say: (text: string) => void): Promise<void> {
  for (const { project, stack } of orphanedRuns()) {
    say(`removing ${project}, left behind by a runner that was killed`);
    const { dir } = findStack(stack);
    await new Project({ name: project, dir }).down({ timeoutMs: 120_000 });
    leaveRun(project);
  }
}

async function sideBySide(
  stacks: readonly Stack[],
  jobs: number,
  run: (stack: Stack) => Promise<RunResult>,
): Promise<RunResult[]> {
  const results: RunResult[] = [];
  const places = new Map(stacks.map((stack, place) => [stack, place]));
  const waiting = longestFirst(stacks, readDurations(ROOT), ({ name }) => name).map(
    (stack) => [places.get(stack)!, stack] as const,
  );
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next; next = waiting.shift()) results[next[0]] = await run(next[1]);
  };
  await Promise.all(Array.from({ length: Math.min(jobs, stacks.length) }, worker));
  return results;
}

const notRun = (stack: Stack, failure: Failure, phases: RunResult['phases']): RunResult => ({
  stack: stack.name,
  run: '',
  ok: false,
  ms: 0,
  phases,
  obligations: [],
  failures: [failure],
  ports: {},
  kept: false,
});

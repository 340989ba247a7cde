/** What strict.ts noted about a process that ran uvu tests, and how to start one so. */
import { fileURLToPath } from 'node:url';

export interface Findings {
  /** Tests that `.only` picked, to the exclusion of all others. */
  readonly only: readonly string[];
  /** Tests that `.skip` dropped. */
  readonly skipped: readonly string[];
  /** Suites with tests that no `.run()` followed. */
  readonly neverRun: readonly string[];
  /** Hooks around a whole suite that threw, and what; uvu drops it. */
  readonly threw: readonly string[];
  /** What was thrown or rejected outside of any test, and a handler of the file's own kept to itself. */
  readonly unawaited: readonly string[];
}

export const FINDINGS_MARK = '[uvu findings]';

/** Arguments of node that make a process note its findings. */
export const WATCH_ARGUMENTS = ['--import', fileURLToPath(new URL('watch.ts', import.meta.url))];

/**
 * Faults that a process noted, each a sentence; empty when there are none.
 * @param output what it printed
 * @param pid its own, since its children may print findings of theirs
 */
export function faultsIn(output: string, pid: number): string[] {
  const mark = `${FINDINGS_MARK} ${pid} `;
  const line = output.split('\n').findLast((each) => each.startsWith(mark));
  if (line === undefined) return [];
  const { only, skipped, neverRun, threw, unawaited } = JSON.parse(line.slice(mark.length)) as Findings;
  const quoted = (names: readonly string[]): string => names.map((name) => JSON.stringify(name)).join(', ');
  return [
    ...(only.length > 0 ? [`.only leaves out every other test: ${quoted(only)}`] : []),
    ...(skipped.length > 0 ? [`.skip drops ${quoted(skipped)}: say why by skipped() of #kit/testing/skipped.ts`] : []),
    ...(neverRun.length > 0 ? [`a suite is never run, .run() is missing: ${neverRun.join(', ')}`] : []),
    ...threw.map((each) => `a hook threw: ${each}`),
    ...unawaited.map((each) => `nobody waited for what was rejected (is an await missing?): ${each}`),
  ];
}

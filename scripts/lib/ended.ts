/** The end of a child process whose output is piped. */
import type { ChildProcess } from 'node:child_process';

export interface Ended {
  /** Exit code; null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** A process that it started held its output, and holds it still: what that says is not read any more. */
  readonly held: boolean;
}

/** Milliseconds in which the pipes of a process that has ended are closed; else somebody else holds them. */
const OUTPUT_AFTER_EXIT = 5000;

/**
 * Wait until a child has ended and all of its output is read. Whatever it started in a process group of its own may
 * hold the pipes for ever, and nobody would end that: so they are closed a while after the child's end.
 * @throws what keeps it from being started
 */
export async function ended(child: ChildProcess): Promise<Ended> {
  const { promise, resolve, reject } = Promise.withResolvers<Ended>();
  let held = false;
  let afterExit: NodeJS.Timeout | undefined;
  child.once('error', reject);
  child.once('exit', () => {
    afterExit = setTimeout(() => {
      held = true;
      child.stdout?.destroy();
      child.stderr?.destroy();
    }, OUTPUT_AFTER_EXIT);
  });
  child.once('close', (code, signal) => resolve({ code, signal, held }));
  return await promise.finally(() => clearTimeout(afterExit));
}

/** What to say of one that left such a process behind. */
export const HELD = 'a process that it started is still there, and holds its output';

/** Synchronous work with an end: what a document of strangers sets going may be without bound. */
import { Script } from 'node:vm';

/** The work was cut off. */
export class CpuLimitExceeded extends Error {
  override readonly name = 'OutOfTime';
}

const NAME = Symbol.for('config-sync.work');
/** Node can only end a script, and with it all that the script calls. */
const script = new Script("globalThis[Symbol.for('config-sync.work')]()");

/** How often work is begun anew that had no processor: each time with twice the time. */
const ATTEMPTS = 4;
/** What counts as all of its time, of which the clock of the processor shows a little less. */
const USED = 0.9;

/**
 * Do some synchronous work, and cut it off at the deadline: loops, recursion and regular expressions
 * alike. What is cut off runs no `catch` and no `finally`, so it must hold nothing, and is begun anew when
 * it was not the work that took the time: on a machine that is busy with others, none is late by itself.
 * @param ms milliseconds of the processor that it may take; 15 times that by the clock
 * @throws {CpuLimitExceeded}, and whatever the work throws
 */
export function withCpuLimit<T>(ms: number, work: () => T): T {
  const place = globalThis as unknown as Record<symbol, (() => T) | undefined>;
  place[NAME] = work;
  try {
    for (let attempt = 0; ; attempt++) {
      const begun = process.threadCpuUsage();
      try {
        return script.runInThisContext({ timeout: Math.max(1, Math.ceil(ms * 2 ** attempt)) }) as T;
      } catch (error) {
        if ((error as NodeJS.ErrnoException | null)?.code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
        const { user, system } = process.threadCpuUsage(begun);
        if ((user + system) / 1000 >= ms * USED || attempt + 1 >= ATTEMPTS)
          throw new CpuLimitExceeded(`it takes longer than ${ms} ms`);
      }
    }
  } finally {
    place[NAME] = undefined;
  }
}

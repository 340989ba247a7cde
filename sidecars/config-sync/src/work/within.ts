/** Synchronous work with an end: what a document of strangers sets going may be without bound. */
import { Script } from 'node:vm';

/** The work was cut off. */
export class OutOfTime extends Error {
  override readonly name = 'OutOfTime';
}

const NAME = Symbol.for('config-sync.work');
/** Node can only end a script, and with it all that the script calls. */
const script = new Script("globalThis[Symbol.for('config-sync.work')]()");

/**
 * Do some synchronous work, and cut it off at the deadline: loops, recursion and regular expressions
 * alike. What is cut off runs no `catch` and no `finally`, so it must hold nothing.
 * @param ms milliseconds that it may take
 * @throws {OutOfTime}, and whatever the work throws
 */
export function within<T>(ms: number, work: () => T): T {
  const place = globalThis as unknown as Record<symbol, (() => T) | undefined>;
  place[NAME] = work;
  try {
    return script.runInThisContext({ timeout: Math.max(1, Math.ceil(ms)) }) as T;
  } catch (error) {
    if ((error as NodeJS.ErrnoException | null)?.code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
    throw new OutOfTime(`it takes longer than ${ms} ms`);
  } finally {
    place[NAME] = undefined;
  }
}

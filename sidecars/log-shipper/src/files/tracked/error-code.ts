import { statSync } from 'node:fs';

/** Whether there is something at a path, or that cannot be told just now. */
export function isThere(path: string): boolean {
  return attempt(
    () => statSync(path, { throwIfNoEntry: false }) !== undefined,
    () => true,
  );
}

/**
 * Do something with a file that may fail: a disk has bad blocks, a network's file system goes away.
 * @param failed told the system's code, and gives what comes of it then
 * @throws what is no error of the system's
 */
export function attempt<T>(act: () => T, failed: (code: string) => T): T {
  try {
    return act();
  } catch (error) {
    return failed(codeOf(error));
  }
}

/**
 * What the system says about a failed call.
 * @throws the error itself where it is none of the system's, but ours
 */
export function codeOf(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined) throw error;
  return code;
}

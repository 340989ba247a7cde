/**
 * Does `work` while no other process does work under the same lock file, which holds its owner's
 * process id; the lock of a process that is gone does not count. `onWait` is called once when it
 * has to wait.
 */
export function withLock<T>(
  path: string,
  work: () => Promise<T>,
  options?: { onWait?: () => void; signal?: AbortSignal | undefined },
): Promise<T>;

/** Processes that a killed sidecar left, which would go on writing where the next one works. */
import { readFileSync } from 'node:fs';
import { pause } from '#kit/time/backoff.ts';
import { listProcesses, sendSignal } from '#kit/process/processes.ts';

/** How long a killed process may take to be gone, in milliseconds. */
const PATIENCE = 5000;

/**
 * End every process that was started for this root, and wait until they are gone.
 * @param marker as in their environment's GITSYNC_CHILD
 * @returns how many there were
 */
export async function endLeftovers(marker: string): Promise<number> {
  const found = listProcesses().filter(
    ({ pid, state }) => pid !== process.pid && state !== 'Z' && isMarked(pid, marker),
  );
  for (const each of found) {
    try {
      sendSignal(each, 'SIGKILL');
    } catch {
      // It ended by itself.
    }
  }
  const deadline = performance.now() + PATIENCE;
  while (found.some(({ pid }) => isMarked(pid, marker)) && performance.now() < deadline) await pause(5);
  return found.length;
}

function isMarked(pid: number, marker: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(`GITSYNC_CHILD=${marker}`);
  } catch {
    // Gone, or somebody else's.
    return false;
  }
}

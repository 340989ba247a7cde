/** Ending a container from inside its pod, as an engine would: TERM, grace period, KILL. */
import { pause } from '#kit/time/backoff.ts';
import { ProcessError, readProcess, sendSignal } from '#kit/process/processes.ts';
import { processesOf, type Container } from './container.ts';

/** What ended it; `stuck` when not even KILL did, which only the kernel can explain. */
export type End = 'term' | 'kill' | 'stuck';

/** How often to look whether it is gone, in milliseconds. */
const LOOK = 50;
/** How long the kernel may take to carry out a KILL, in milliseconds. */
const KILL_PATIENCE = 5000;

export interface TerminateOptions {
  /** From TERM to KILL, in milliseconds. */
  readonly gracePeriod: number;
  /** Called when TERM was not enough. */
  readonly onKill: () => void;
  readonly signal: AbortSignal;
  readonly proc?: string;
}

/**
 * Tell a container to stop, and see to it that it does; the engine's restart policy brings it back.
 * TERM goes to its first process alone: an init passes it on to the program. KILL goes to all, because
 * an init only ends once the program that hangs has ended.
 * @throws the signal's reason when it aborts meanwhile
 */
export async function terminate(container: Container, options: TerminateOptions): Promise<End> {
  const { gracePeriod, onKill, signal, proc = '/proc' } = options;
  const isGone = (): boolean => {
    const now = readProcess(container.root.pid, proc);
    return now?.startTime !== container.root.startTime || now.state === 'Z' || now.state === 'X';
  };
  const goneWithin = async (milliseconds: number, meanwhile?: () => void): Promise<boolean> => {
    const deadline = performance.now() + milliseconds;
    while (!isGone()) {
      if (performance.now() >= deadline) return false;
      await pause(LOOK, signal);
      meanwhile?.();
    }
    return true;
  };
  const sendAll = (): void => {
    for (const each of processesOf(container, proc)) send(each, 'SIGKILL', proc);
  };

  send(container.root, 'SIGTERM', proc);
  if (await goneWithin(gracePeriod)) return 'term';
  onKill();
  sendAll();
  // Again and again: something may have been forked between the list and the signal.
  return (await goneWithin(KILL_PATIENCE, sendAll)) ? 'kill' : 'stuck';
}

/** One that is gone needs no signal; one that we may not signal shows in how it ends. */
function send(target: Container['root'], name: NodeJS.Signals, proc: string): void {
  try {
    sendSignal(target, name, proc);
  } catch (error) {
    if (!(error instanceof ProcessError)) throw error;
  }
}

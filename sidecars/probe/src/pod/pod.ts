/** All that a watch does to the pod, in one place, so that a test can put another in its stead. */
import type { ProbeResult } from '#kit/net/probes.ts';
import { ProcessError, sendSignal } from '#kit/process/processes.ts';
import { terminate, type End } from './terminate.ts';
import type { Probe, Target } from '../targets/target.ts';
import { probe } from './check.ts';
import { ageOf, findContainer, type Container } from './container.ts';

export interface Pod {
  /** The target's container; undefined while it is away. Throws AmbiguousProcess. */
  find(target: Target): Container | undefined;
  /** Milliseconds since it started. */
  age(container: Container): number;
  probe(probe: Probe, container: Container, signal: AbortSignal): Promise<ProbeResult>;
  /** Why we may not signal it; undefined when we may. */
  denied(container: Container): string | undefined;
  end(probe: Probe, container: Container, onKill: () => void, signal: AbortSignal): Promise<End>;
}

export const pod: Pod = {
  find: ({ process }) => findContainer(process),
  age: ({ root }) => ageOf(root),
  probe,
  denied: ({ root }) => {
    try {
      sendSignal(root, 0);
    } catch (error) {
      if (!(error instanceof ProcessError)) throw error;
      return error.reason === 'denied' ? error.message : undefined;
    }
    return undefined;
  },
  end: ({ gracePeriod }, container, onKill, signal) => terminate(container, { gracePeriod, onKill, signal }),
};

/** A disk that fails: files that cannot be read for a moment, no space for the state, a power cut. */
import type { Machine } from '#kit/testing/simulation/machine.ts';
import type { Random } from '#kit/testing/simulation/random.ts';
import { STATE } from './shipper.ts';
import { LOGS } from './world.ts';

export interface DiskFaults {
  /** How likely a call about logs fails, from 0 to 1: EIO, or EMFILE where a file is opened. */
  readonly unreadable: number;
  /** How likely a call fails that makes the state last: EIO. */
  readonly state: number;
  /** When there is no space for the state, first and last, in milliseconds since the start. */
  readonly full: readonly [number, number];
  /** A kill takes away what was written to the state since its last fsync, or a part of it. */
  readonly powerCut: boolean;
}

export const SOUND: DiskFaults = { unreadable: 0, state: 0, full: [0, 0], powerCut: false };

export function diskFaultsOf(random: Random): DiskFaults {
  if (random.chance(0.6)) return SOUND;
  const from = random.between(0, 10_000);
  return {
    unreadable: random.pick([0, 0.001, 0.003]),
    full: random.chance(0.5) ? [from, from + random.between(100, 8000)] : SOUND.full,
    powerCut: random.chance(0.5),
    state: random.pick([0, 0, 0.01, 0.1]),
  };
}

const ABOUT_STATE = new Set(['ftruncate', 'fsync', 'open', 'rename', 'write']);
const ABOUT_LOGS = new Set(['fstat', 'open', 'read', 'scandir', 'stat']);

/**
 * Let a machine's disk fail.
 * @param isCalm whether nothing fails any more
 * @param isStarting whether the process is starting: one that cannot write its state then ends, and is started again
 */
export function failDisk(
  machine: Machine,
  { unreadable, state, full }: DiskFaults,
  isCalm: () => boolean,
  isStarting: () => boolean,
): void {
  const { files, random } = machine;
  machine.fault = (call, of) => {
    const path = /^\d+$/.test(of) ? files.descriptor(Number(of)).path : of;
    if (path.startsWith(STATE)) {
      // Before a registry was ever written nothing is known to the next process, and nothing is promised.
      if (files.at(`${STATE}/registry`) === undefined) return undefined;
      if (machine.now >= full[0] && machine.now < full[1] && call === 'write') return 'ENOSPC';
      if (state === 0 || isCalm() || isStarting() || !ABOUT_STATE.has(call)) return undefined;
      return random.chance(state) ? 'EIO' : undefined;
    }
    if (unreadable === 0 || isCalm() || !path.startsWith(LOGS) || !ABOUT_LOGS.has(call)) return undefined;
    if (!random.chance(unreadable)) return undefined;
    return call === 'open' ? 'EMFILE' : 'EIO';
  };
}

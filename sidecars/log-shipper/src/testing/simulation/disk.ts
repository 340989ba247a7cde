/** A disk that fails: files that cannot be read for a moment, no space for the state, a power cut. */
import type { Machine } from '#kit/testing/simulation/machine.ts';
import type { Random } from '#kit/testing/simulation/random.ts';
import { STATE } from './shipper.ts';
import { LOGS } from './world.ts';

export interface DiskFaults {
  /** How likely a call about logs fails, from 0 to 1: EIO, or EMFILE where a file is opened. */
  readonly unreadable: number;
  /** When there is no space for the state, first and last, in milliseconds since the start. */
  readonly full: readonly [number, number];
  /** A kill takes away what was written to the state since its last fsync, or a part of it. */
  readonly powerCut: boolean;
}

export const SOUND: DiskFaults = { unreadable: 0, full: [0, 0], powerCut: false };

export function diskFaultsOf(random: Random): DiskFaults {
  if (random.chance(0.6)) return SOUND;
  const from = random.between(0, 10_000);
  return {
    unreadable: random.pick([0, 0.001, 0.003]),
    full: random.chance(0.5) ? [from, from + random.between(100, 8000)] : SOUND.full,
    powerCut: random.chance(0.5),
  };
}

const ABOUT_LOGS = new Set(['fstat', 'open', 'read', 'scandir', 'stat']);

/** Let a machine's disk fail. @param isCalm whether nothing fails any more */
export function failDisk(machine: Machine, { unreadable, full }: DiskFaults, isCalm: () => boolean): void {
  const { files, random } = machine;
  machine.fault = (call, of) => {
    const path = /^\d+$/.test(of) ? files.descriptor(Number(of)).path : of;
    if (path.startsWith(STATE)) {
      // Before a registry was ever written nothing is known to the next process, and nothing is promised.
      const isFull = machine.now >= full[0] && machine.now < full[1] && files.at(`${STATE}/registry`) !== undefined;
      return isFull && call === 'write' ? 'ENOSPC' : undefined;
    }
    if (unreadable === 0 || isCalm() || !path.startsWith(LOGS) || !ABOUT_LOGS.has(call)) return undefined;
    if (!random.chance(unreadable)) return undefined;
    return call === 'open' ? 'EMFILE' : 'EIO';
  };
}

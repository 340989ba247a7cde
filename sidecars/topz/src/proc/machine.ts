/** What all processes have in common: the machine's clock, memory and processors. */
import { readFileSync } from 'node:fs';
import { availableParallelism, loadavg, totalmem, uptime } from 'node:os';
import { attempt } from './attempt.ts';

/** What never changes while the machine runs. */
export interface Machine {
  /** Bytes of a page of memory. */
  readonly pageSize: number;
  /** Clock ticks a second, in which the kernel counts processor time. */
  readonly ticksPerSecond: number;
  readonly memoryBytes: number;
  readonly processors: number;
}

// getauxval(3)'s keys; each entry of the vector is two words.
const AT_PAGESZ = 6n;
const AT_CLKTCK = 17n;

/**
 * Read the machine's facts; without /proc what the system's calls tell, and what most machines have.
 * @param proc where /proc is
 */
export function readMachine(proc = '/proc'): Machine {
  const vector = attempt(() => auxiliaryVector(readFileSync(`${proc}/self/auxv`)), new Map<bigint, number>());
  const memory = attempt(() => readFileSync(`${proc}/meminfo`, 'latin1'), '');
  const [, kibibytes] = /^MemTotal:\s+(\d+) kB$/m.exec(memory) ?? [];
  return {
    pageSize: vector.get(AT_PAGESZ) ?? 4096,
    ticksPerSecond: vector.get(AT_CLKTCK) ?? 100,
    memoryBytes: kibibytes === undefined ? totalmem() : Number(kibibytes) * 1024,
    processors: availableParallelism(),
  };
}

/** /proc/self/auxv of a 64-bit, little-endian machine: the two kinds that Node runs on. */
function auxiliaryVector(bytes: Buffer): Map<bigint, number> {
  const vector = new Map<bigint, number>();
  for (let at = 0; at + 16 <= bytes.length; at += 16)
    vector.set(bytes.readBigUInt64LE(at), Number(bytes.readBigUInt64LE(at + 8)));
  return vector;
}

/** Seconds since the machine was started, as /proc/uptime counts them (to 10 ms). */
export function readUptime(proc = '/proc'): number {
  return attempt(() => Number.parseFloat(readFileSync(`${proc}/uptime`, 'latin1')), uptime());
}

/** Load averages over 1, 5 and 15 minutes. */
export function readLoad(proc = '/proc'): [number, number, number] {
  const text = attempt(() => readFileSync(`${proc}/loadavg`, 'latin1'), loadavg().join(' '));
  const [one = 0, five = 0, fifteen = 0] = text.split(' ', 3).map(Number);
  return [one, five, fifteen];
}

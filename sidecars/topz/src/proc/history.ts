/** The last minutes of one process or group, in a fixed amount of memory. */

export class History {
  readonly #cpu: Float32Array;
  readonly #memory: Float32Array;

  /** @param length how many samples are kept */
  constructor(length: number) {
    this.#cpu = new Float32Array(length).fill(Number.NaN);
    this.#memory = new Float32Array(length).fill(Number.NaN);
  }

  /**
   * Keep a sample in the place of the oldest.
   * @param tick the sample's number, the same for everybody
   */
  add(tick: number, cpuPercent: number, residentBytes: number): void {
    const slot = tick % this.#cpu.length;
    this.#cpu[slot] = cpuPercent;
    this.#memory[slot] = residentBytes;
  }

  /**
   * All samples, oldest first; null where there was none.
   * @param tick the number of the last sample
   */
  read(tick: number): { cpu_percent: (number | null)[]; resident_bytes: (number | null)[] } {
    return { cpu_percent: unroll(this.#cpu, tick, 1), resident_bytes: unroll(this.#memory, tick, 0) };
  }
}

function unroll(ring: Float32Array, tick: number, digits: number): (number | null)[] {
  const factor = 10 ** digits;
  return Array.from(ring, (_, index) => {
    const value = ring[(tick + 1 + index) % ring.length]!;
    return Number.isNaN(value) ? null : Math.round(value * factor) / factor;
  });
}

/** Signals, as one AbortSignal for a whole program. */

export interface Interrupt {
  readonly signal: AbortSignal;
  /** 128 + the signal's number once one came. */
  readonly exitCode: () => number | undefined;
}

const NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

/**
 * Turn SIGINT, SIGTERM and SIGHUP into an abort; the program then tears down and ends by itself.
 * @param onRepeat called at each further signal: say that it is on its way
 * @param limit the signal by that number ends the program at once
 */
export function catchSignals(onRepeat: (left: number) => void, limit = 3): Interrupt {
  const controller = new AbortController();
  let count = 0;
  let code: number | undefined;
  for (const [name, number] of Object.entries(NUMBERS)) {
    process.on(name, () => {
      count += 1;
      code ??= 128 + number;
      if (count >= limit) process.exit(code);
      if (count > 1) onRepeat(limit - count);
      controller.abort();
    });
  }
  return { signal: controller.signal, exitCode: () => code };
}

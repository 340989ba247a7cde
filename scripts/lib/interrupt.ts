/** Signals, as one AbortSignal for a whole program. */

export interface Interrupt {
  readonly signal: AbortSignal;
  /** 128 + the signal's number once one came. */
  readonly exitCode: () => number | undefined;
}

const NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;
const SIGPIPE = 13;

/**
 * Turn SIGINT, SIGTERM, SIGHUP and the end of standard output into an abort; the program then tears down and ends by itself.
 * @param onRepeat called at each further signal: say that it is on its way
 * @param limit the signal by that number ends the program at once
 */
export function catchSignals(onRepeat: (left: number) => void, limit = 3): Interrupt {
  const controller = new AbortController();
  let count = 0;
  let code: number | undefined;
  const stop = (number: number): void => {
    count += 1;
    code ??= 128 + number;
    if (count >= limit) process.exit(code);
    if (count > 1) onRepeat(limit - count);
    controller.abort();
  };
  for (const [name, number] of Object.entries(NUMBERS)) process.on(name, () => stop(number));
  // The reader of our output has gone (`… | head`). Without a listener this error would end us mid-way.
  process.stdout.once('error', () => stop(SIGPIPE)).on('error', () => {});
  if (process.env['npm_lifecycle_event']) whenOrphaned(() => stop(NUMBERS.SIGTERM));
  return { signal: controller.signal, exitCode: () => code };
}

const LOOK = 200;

/** `npm run` that is told to end kills the shell between us and leaves, without a word to us. */
function whenOrphaned(act: () => void): void {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    act();
  }, LOOK);
  timer.unref();
}

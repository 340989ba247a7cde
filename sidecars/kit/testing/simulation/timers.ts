/** Timers of a process on a simulated machine. */
import type { Event, Machine } from './machine.ts';

/** `setTimeout` of `node:timers/promises`. */
export function sleep<T>(on: Machine, ms: number, value: T, signal?: AbortSignal): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const aborted = (): void => reject(signal!.reason as Error);
  if (signal?.aborted) return Promise.reject(signal.reason as Error);
  on.schedule(ms, () => {
    signal?.removeEventListener('abort', aborted);
    resolve(value);
  });
  signal?.addEventListener('abort', aborted, { once: true });
  return promise;
}

/** A timer as Node gives it. */
class Timer {
  #event: Event | undefined;

  constructor(event?: Event) {
    this.#event = event;
  }

  set(event: Event): void {
    this.#event = event;
  }

  clear(): void {
    if (this.#event !== undefined) this.#event.run = undefined;
    this.#event = undefined;
  }

  unref(): this {
    return this;
  }

  ref(): this {
    return this;
  }
}

type Callback = (...given: unknown[]) => void;

const clear = (real: (timer: never) => void) => (timer: unknown) =>
  timer instanceof Timer ? timer.clear() : real(timer as never);

/** Node's timers, as globals. */
export function simulatedTimers(on: Machine): Record<string, unknown> {
  return {
    setTimeout: (run: Callback, ms = 0, ...given: unknown[]) =>
      new Timer(on.schedule(Math.max(1, ms), () => run(...given))),
    setInterval: (run: Callback, ms = 0, ...given: unknown[]) => {
      const timer = new Timer();
      const next = (): void => {
        timer.set(
          on.schedule(Math.max(1, ms), () => {
            next();
            run(...given);
          }),
        );
      };
      next();
      return timer;
    },
    setImmediate: (run: Callback, ...given: unknown[]) => new Timer(on.immediate(() => run(...given))),
    clearTimeout: clear(clearTimeout),
    clearInterval: clear(clearInterval),
    clearImmediate: clear(clearImmediate),
  };
}

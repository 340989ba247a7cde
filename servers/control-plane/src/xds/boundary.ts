/** Units of work that end alone: what one throws is written down and counted, and everything else goes on. */
import type { Logger } from '#kit/telemetry/log.ts';

/** What may fail by itself; the values are a metric's. */
export type Unit = 'publication' | 'service' | 'report' | 'stream' | 'status' | 'policy' | 'probe' | 'state';

const SAID: Readonly<Record<Unit, string>> = {
  publication: 'a publication failed: clients keep what was published last, and the next change is tried again',
  service: 'a service could not be made: it stays as it was published last, or is left out; all others are published',
  report: 'what was published could not be counted',
  stream: "a client's stream failed and was ended: it may come again",
  status: "the clients' status could not be told",
  policy: 'a look at the policy failed: the last good one stays, and is looked at again',
  probe: 'a probe failed by itself: the next one comes',
  state: 'what was saved is damaged and was set aside: replicas register again, weights are those of the policy',
};

export class Boundary {
  readonly #log: Pick<Logger, 'error'>;
  readonly #onFailure: (unit: Unit) => void;

  /** @param onFailure counts */
  constructor(log: Pick<Logger, 'error'>, onFailure: (unit: Unit) => void) {
    this.#log = log;
    this.#onFailure = onFailure;
  }

  /** Do a unit of work. @returns what it threw; undefined where it came to its end */
  run(unit: Unit, work: () => void): Error | undefined {
    try {
      work();
      return undefined;
    } catch (error) {
      return this.failed(unit, error);
    }
  }

  /** Write down and count what a unit of work threw. @param of what the unit was about @returns it, as an Error */
  failed(unit: Unit, thrown: unknown, of: Readonly<Record<string, string>> = {}): Error {
    const error = errorOf(thrown);
    this.#log.error({ err: error, unit, ...of }, SAID[unit]);
    this.#onFailure(unit);
    return error;
  }

  /** Count what failed again as it did before, and was written down then. */
  failedAgain(unit: Unit): void {
    this.#onFailure(unit);
  }
}

/** What was thrown, as an Error. */
export const errorOf = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)));

/** What costs the database more than a scrape may: asked on an interval of its own, and kept with its age. */
import { withDeadline, type Database, type ExpensiveQuery } from './database.ts';
import { Families } from './families.ts';
import type { AdapterKit } from './contract.ts';
import { repeat } from './repeat.ts';

interface Answer {
  readonly families: Families;
  /** When it was asked, by the monotonic clock in milliseconds. */
  readonly at: number;
}

export class Expensive {
  readonly #kit: Pick<AdapterKit, 'parameters' | 'metrics' | 'log'>;
  readonly #queries: readonly ExpensiveQuery[];
  readonly #answers = new Map<string, Answer>();

  constructor(kit: Pick<AdapterKit, 'parameters' | 'metrics' | 'log'>, { expensive }: Database) {
    this.#kit = kit;
    this.#queries = expensive;
  }

  /** Ask each in its turn until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#queries.map((query) => this.#repeat(query, signal)));
  }

  /** The last answers; their ages are metrics from now on. */
  families(): Families {
    const families = new Families();
    const age = this.#kit.metrics.adapter_cached_age_seconds;
    age.reset();
    for (const [query, answer] of this.#answers) {
      families.merge(answer.families);
      age.set({ query }, (performance.now() - answer.at) / 1000);
    }
    return families;
  }

  async #repeat(query: ExpensiveQuery, signal: AbortSignal): Promise<void> {
    const { parameters, metrics, log } = this.#kit;
    const interval = parameters.ADAPTER_EXPENSIVE_INTERVAL;
    const ask = async (): Promise<void> => {
      const at = performance.now();
      const families = await withDeadline(interval, (over) => query.ask(over), signal);
      this.#answers.set(query.name, { families, at });
      metrics.adapter_expensive_duration_seconds.set({ query: query.name }, (performance.now() - at) / 1000);
    };
    await repeat(interval, signal, ask, (error) => {
      if (signal.aborted) return;
      // What is left of the last answer would be older than anybody was told.
      this.#answers.delete(query.name);
      metrics.adapter_refused_queries_total.inc({ query: query.name });
      log.warn({ query: query.name, reason: error.message }, 'an expensive question was not answered');
    });
  }
}

/** `/metrics`: one round of questions at a time, however many ask. */
import type { Database } from './database.ts';
import { withDeadline } from './database.ts';
import type { Expensive } from './expensive.ts';
import { Families } from './families.ts';
import type { AdapterKit } from './contract.ts';

/** A refused question is logged once in this time, in milliseconds. */
const SAY_AGAIN = 600_000;

export class Scrapes {
  readonly #kit: Pick<AdapterKit, 'parameters' | 'metrics' | 'log'>;
  readonly #database: Database;
  readonly #expensive: Expensive;
  readonly #said = new Map<string, number>();
  #running: Promise<string> | undefined;

  constructor(kit: Pick<AdapterKit, 'parameters' | 'metrics' | 'log'>, database: Database, expensive: Expensive) {
    this.#kit = kit;
    this.#database = database;
    this.#expensive = expensive;
  }

  /** The database's metrics. A scrape that comes while a round is under way gets that round's answer. */
  async text(): Promise<string> {
    this.#kit.metrics.adapter_scrapes_total.inc();
    this.#running ??= this.#round().finally(() => (this.#running = undefined));
    return await this.#running;
  }

  async #round(): Promise<string> {
    const { metrics, parameters, log } = this.#kit;
    metrics.adapter_rounds_total.inc();
    const start = performance.now();
    let families = new Families();
    let error: Error | undefined;
    try {
      const refused = (query: string, why: Error): void => this.#refused(query, why);
      const told = await withDeadline(parameters.ADAPTER_TIMEOUT, (signal) => this.#database.scrape(signal, refused));
      told.merge(this.#expensive.families());
      families = told;
    } catch (caught) {
      error = caught as Error;
      metrics.adapter_failed_rounds_total.inc();
      metrics.adapter_cached_age_seconds.reset();
      log.warn({ reason: error.message }, 'the database does not answer');
    }
    families.merge(this.#database.about({ error, seconds: (performance.now() - start) / 1000 }));
    return families.text();
  }

  #refused(query: string, { message }: Error): void {
    this.#kit.metrics.adapter_refused_queries_total.inc({ query });
    const last = this.#said.get(query) ?? -Infinity;
    if (performance.now() - last < SAY_AGAIN) return;
    this.#said.set(query, performance.now());
    this.#kit.log.warn({ query, reason: message }, 'the database refuses a question; its metrics are left out');
  }
}

/** What the benchmark asks the store. */

export class VictoriaLogs {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  /** Lines that it has taken in since it started. */
  async rows(): Promise<number> {
    const text = await (await fetch(`${this.#url}/metrics`)).text();
    return Number(/^vl_rows_ingested_total\{type="elasticsearch_bulk"\} (\d+)/m.exec(text)?.[1] ?? 0);
  }

  /** The highest number of a line of a file that a query finds; 0 when it finds none. */
  async highest(file: string): Promise<number> {
    const [found] = await this.#query(`_time:10m log.file.path:="/logs/${file}" | stats max(seq) as n`);
    return Number(found?.['n'] ?? 0);
  }

  /** When each line of a file was written, in milliseconds since the epoch, by its number. */
  async written(file: string): Promise<Map<number, number>> {
    const found = await this.#query(`_time:10m log.file.path:="/logs/${file}" | fields seq, written`);
    return new Map(found.map(({ seq, written }) => [Number(seq), Number(written)]));
  }

  async #query(query: string): Promise<Record<string, string>[]> {
    const answer = await fetch(`${this.#url}/select/logsql/query`, {
      method: 'POST',
      body: new URLSearchParams({ query }),
    });
    const lines = (await answer.text()).split('\n').filter((line) => line !== '');
    return lines.map((line) => JSON.parse(line) as Record<string, string>);
  }
}

/** What the benchmark asks the store. */
import type { Line } from './delay.ts';

export class VictoriaLogs {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  /** Lines that it has taken in since it started. */
  async rows(): Promise<number> {
    const text = await (await fetch(`${this.#url}/metrics`)).text();
    return text.matchAll(/^vl_rows_ingested_total\{[^}]*\} (\d+)/gm).reduce((sum, [, rows]) => sum + Number(rows), 0);
  }

  /**
   * The lines of a file that a query finds, from a number on.
   *
   * They are asked for themselves. `stats max(seq)` would be cheaper and is wrong: VictoriaLogs takes the highest
   * of a block, and a block may hold other files' lines, too.
   */
  async lines(file: string, from: number): Promise<Line[]> {
    const text = await this.#post(
      '/select/logsql/query',
      new URLSearchParams({ query: `_time:10m log.file.path:="${file}" seq:>=${from} | fields seq, written` }),
    );
    const lines = text.split('\n').filter((line) => line !== '');
    return lines.map((line) => {
      const { seq, written } = JSON.parse(line) as Record<string, string>;
      return { seq: Number(seq), written: Number(written) };
    });
  }

  /** Put lines of a file in, without a shipper. */
  async put(file: string, lines: readonly Line[]): Promise<void> {
    const body = lines.map(({ seq, written }) => {
      const document = { '@timestamp': new Date(written).toISOString(), 'log.file.path': file, seq, written };
      return `{"create":{}}\n${JSON.stringify(document)}\n`;
    });
    await this.#post('/insert/elasticsearch/_bulk?_time_field=@timestamp&_msg_field=message', body.join(''));
  }

  async #post(path: string, body: string | URLSearchParams): Promise<string> {
    const answer = await fetch(this.#url + path, { method: 'POST', body });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`the store answers ${answer.status}: ${text}`);
    return text;
  }
}

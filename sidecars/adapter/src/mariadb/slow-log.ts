/**
 * The slow log where the server keeps it as a table (`log_output=TABLE`): mysql.slow_log has no key, and a query that
 * began earlier may be written later, so that no column orders it. What orders it is its file: rows are appended, and
 * never changed until somebody empties it. So the reader knows how many rows it has told, and what the last of them
 * was: where another row stands in its place, the table was emptied.
 */
import type { SlowLogBatch } from '../database.ts';
import type { Query, Row } from './client.ts';
import { redactSql } from './redact.ts';

/** Rows that one look takes; the rest comes with the next. */
const MOST = 500;
/** Characters of a query that are read. */
const TEXT = 8192;

const COLUMNS = `DATE_FORMAT(start_time, '%Y-%m-%dT%H:%i:%s.%fZ'), TIME_TO_SEC(query_time), TIME_TO_SEC(lock_time), rows_sent,
  rows_examined, db, user_host, thread_id, LEFT(sql_text, ${TEXT})`;

export class SlowLog {
  readonly #whole: boolean;
  /** Rows that were told; undefined before the first look. */
  #told: number | undefined;
  #last = '';

  /** @param whole show the values in queries, too */
  constructor(whole: boolean) {
    this.#whole = whole;
  }

  /**
   * What is new since the last call; at the first, what is in the table counts as told.
   * @throws when the server does not keep its slow log as a table
   */
  async read(query: Query): Promise<SlowLogBatch> {
    const [settings] = (await query('SELECT @@global.slow_query_log, @@global.log_output')).rows;
    if (settings?.[0] !== '1') throw new Error('the server keeps no slow log: slow_query_log is OFF');
    if (!/\btable\b/i.test(settings[1] ?? ''))
      throw new Error(`the slow log is no table: log_output is ${settings[1]}, and has to name TABLE`);
    if (this.#told === undefined) return await this.#begin(query);
    const emptied = !(await this.#stands(query, this.#told));
    const from = emptied ? 0 : this.#told;
    const rows = await rowsOf(query, from, MOST);
    this.#told = from + rows.length;
    if (rows.length > 0) this.#last = fingerprint(rows.at(-1)!);
    else if (emptied) this.#last = '';
    return { entries: rows.map((row) => this.#describe(row)), lost: 0, begunAnew: emptied };
  }

  async #begin(query: Query): Promise<SlowLogBatch> {
    const [counted] = (await query('SELECT COUNT(*) FROM mysql.slow_log')).rows;
    const told = Number(counted?.[0] ?? 0);
    const [last] = told === 0 ? [] : await rowsOf(query, told - 1, 1);
    this.#last = last === undefined ? '' : fingerprint(last);
    this.#told = told;
    return { entries: [], lost: 0, begunAnew: false };
  }

  /** Whether the last row that was told is where it was. */
  async #stands(query: Query, told: number): Promise<boolean> {
    if (told === 0) return true;
    const [row] = await rowsOf(query, told - 1, 1);
    return row !== undefined && fingerprint(row) === this.#last;
  }

  #describe(row: Row): Readonly<Record<string, unknown>> {
    const [at, duration, lock, sent, examined, db, client, thread, sql] = row;
    return {
      at: at ?? '',
      duration_seconds: Number(duration),
      lock_seconds: Number(lock),
      rows_sent: Number(sent),
      rows_examined: Number(examined),
      db: db ?? '',
      client: client ?? '',
      thread: Number(thread),
      query: this.#whole ? (sql ?? '') : redactSql(sql ?? ''),
    };
  }
}

async function rowsOf(query: Query, from: number, count: number): Promise<readonly Row[]> {
  return (await query(`SELECT ${COLUMNS} FROM mysql.slow_log LIMIT ${from}, ${count}`)).rows;
}

function fingerprint(row: Row): string {
  return JSON.stringify(row);
}

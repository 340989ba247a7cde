/** A connection to MariaDB or MySQL, for a round of questions, by the mysql2 package. */
import { createConnection, type Connection, type ConnectionOptions } from 'mysql2';
import type { Server } from '../server.ts';
import { boundedStream } from './bounded-stream.ts';

/** A row as text, column by column; null where the database has none. */
export type Row = readonly (string | null)[];

export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly Row[];
}

/** Ask one question. @throws when it is refused */
export type Query = (sql: string, values?: readonly (string | number)[]) => Promise<Table>;

/** What a server may answer in one conversation. */
const MAX_BYTES = 16 * 1024 * 1024;
/** And to one question. */
const MAX_ROWS = 100_000;

/**
 * Have a conversation on a connection of its own, which ends with it.
 * @param signal ends it with its reason
 * @param statementTime after which the server gives a question up by itself, in milliseconds
 * @throws when there is no connection, or the password is refused
 */
export async function conversation<T>(
  server: Server,
  signal: AbortSignal,
  statementTime: number,
  talk: (query: Query) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const connection = createConnection(optionsOf(server));
  const { promise: gone, reject } = Promise.withResolvers<never>();
  // It is awaited only while there is a question.
  gone.catch(() => {});
  connection.on('error', reject);
  const abort = (): void => {
    reject(signal.reason as Error);
    connection.destroy();
  };
  signal.addEventListener('abort', abort, { once: true });
  const query: Query = async (sql, values = []) => await Promise.race([ask(connection, sql, values), gone]);
  try {
    await prepare(query, statementTime);
    const answer = await talk(query);
    // Or the server counts and logs an aborted connection.
    await Promise.race([goodbye(connection), gone]);
    return answer;
  } finally {
    signal.removeEventListener('abort', abort);
    connection.destroy();
  }
}

async function goodbye(connection: Connection): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  connection.end(() => resolve());
  await promise;
}

function optionsOf({ host, port, user, password, ca }: Server): ConnectionOptions {
  return {
    // For the name in its certificate; the stream connects.
    host,
    port,
    user: user!,
    password: password ?? '',
    stream: () => boundedStream({ host, port, noDelay: true }, MAX_BYTES),
    // No code is made of a server's column names, no file is sent because a server asks for one.
    disableEval: true,
    flags: ['-LOCAL_FILES'],
    rowsAsArray: true,
    typeCast: false,
    ...(ca !== undefined && { ssl: { ca, rejectUnauthorized: true, verifyIdentity: true } }),
  };
}

/** Nothing of ours waits long for a lock, runs on after we have gone, or stands in the slow log; times are UTC. */
async function prepare(query: Query, statementTime: number): Promise<void> {
  const seconds = statementTime / 1000;
  const settings = [
    `lock_wait_timeout = ${Math.max(1, Math.ceil(seconds))}`,
    `max_statement_time = ${seconds}`,
    'slow_query_log = OFF',
    "time_zone = '+00:00'",
  ];
  // Not every server knows each of them, and not every user may set it.
  for (const setting of settings) await query(`SET SESSION ${setting}`).catch(unlessRefused);
}

/** @throws the error again where it is not an answer of the server */
export function unlessRefused(error: unknown): void {
  if (!isRefusal(error)) throw error;
}

/** An answer of the server that says no, as against an end of the connection. */
export function isRefusal(error: unknown): error is Error {
  return error instanceof Error && typeof (error as { errno?: unknown }).errno === 'number' && 'sqlState' in error;
}

async function ask(connection: Connection, sql: string, values: readonly (string | number)[]): Promise<Table> {
  const { promise, resolve, reject } = Promise.withResolvers<Table>();
  const columns: string[] = [];
  const rows: Row[] = [];
  const question = connection.query(sql, [...values]);
  question.on('error', reject);
  question.on('fields', (fields: { name: string }[] | undefined) => {
    for (const { name } of fields ?? []) columns.push(name);
  });
  question.on('result', (row) => {
    if (!Array.isArray(row)) return;
    if (rows.length >= MAX_ROWS) reject(new Error(`the server answered more than ${MAX_ROWS} rows`));
    else rows.push((row as unknown[]).map((value) => (Buffer.isBuffer(value) ? value.toString('utf8') : null)));
  });
  question.on('end', () => resolve({ columns, rows }));
  return await promise;
}

/** What tables of information_schema tell. */
import { Families, type MetricType } from '../families.ts';
import type { Row } from './client.ts';
import { valueOf } from './values.ts';

export const COMPRESSION = `SELECT page_size, compress_ops, compress_ops_ok, compress_time, uncompress_ops,
  uncompress_time FROM information_schema.innodb_cmp`;

export const COMPRESSED_PAGES = `SELECT page_size, buffer_pool_instance, pages_used, pages_free, relocation_ops,
  relocation_time FROM information_schema.innodb_cmpmem`;

export const RESPONSE_TIMES = 'SELECT time, count, total FROM information_schema.query_response_time';

export const TABLES = `SELECT table_schema, table_name, table_type, IFNULL(engine, 'NONE'), IFNULL(version, 0),
  IFNULL(row_format, 'NONE'), IFNULL(table_rows, 0), IFNULL(data_length, 0), IFNULL(index_length, 0),
  IFNULL(data_free, 0), IFNULL(create_options, 'NONE') FROM information_schema.tables
  WHERE table_schema NOT IN ('mysql', 'performance_schema', 'information_schema', 'sys')`;

const numbers = (texts: readonly (string | null | undefined)[]): number[] =>
  texts.map((text) => valueOf((text ?? '').trim()) ?? 0);

/** Rows of COMPRESSION. */
export function addCompression(families: Families, rows: readonly Row[]): void {
  const names = [
    'compress_ops',
    'compress_ops_ok',
    'compress_time_seconds',
    'uncompress_ops',
    'uncompress_time_seconds',
  ];
  for (const [page_size, ...rest] of rows) {
    const values = numbers(rest);
    for (const [index, name] of names.entries())
      add(families, 'counter', `innodb_cmp_${name}_total`, values[index] ?? 0, { page_size: page_size ?? '' });
  }
}

/** Rows of COMPRESSED_PAGES; its times are milliseconds. */
export function addCompressedPages(families: Families, rows: readonly Row[]): void {
  for (const [page_size, buffer_pool, ...rest] of rows) {
    const [used = 0, free = 0, relocations = 0, time = 0] = numbers(rest);
    const labels = { page_size: page_size ?? '', buffer_pool: buffer_pool ?? '' };
    const name = 'innodb_cmpmem';
    add(families, 'counter', `${name}_pages_used_total`, used, labels);
    add(families, 'counter', `${name}_pages_free_total`, free, labels);
    add(families, 'counter', `${name}_relocation_ops_total`, relocations, labels);
    add(families, 'counter', `${name}_relocation_time_seconds_total`, time / 1000, labels);
  }
}

/** Rows of RESPONSE_TIMES: how many took up to a time, not summed up. `TOO LONG` has no bound. */
export function addResponseTimes(families: Families, rows: readonly Row[]): void {
  let count = 0;
  let sum = 0;
  const points: [number, number][] = [];
  for (const row of rows) {
    const [bound = 0, upTo = 0, total = 0] = numbers(row);
    count += upTo;
    sum += total;
    if (bound > 0) points.push([bound, count]);
  }
  const help = 'Queries by how long they took';
  families.histogram('mysql_info_schema_query_response_time_seconds', help, { count, sum, points });
}

/** Rows of TABLES. */
export function tablesOf(rows: readonly Row[]): Families {
  const families = new Families();
  for (const row of rows) {
    const [schema, table, type, engine, version, row_format, ...sizes] = row.map((text) => text ?? '');
    const create_options = sizes.pop() ?? '';
    const [lines = 0, data = 0, index = 0, free = 0] = numbers(sizes);
    const labels = { schema: schema ?? '', table: table ?? '' };
    const more = { ...labels, type: type ?? '', engine: engine ?? '', row_format: row_format ?? '', create_options };
    add(families, 'gauge', 'table_version', numbers([version])[0]!, more);
    add(families, 'gauge', 'table_rows', lines, labels);
    for (const [component, value] of Object.entries({ data_length: data, index_length: index, data_free: free }))
      add(families, 'gauge', 'table_size', value, { ...labels, component });
  }
  return families;
}

function add(families: Families, type: MetricType, name: string, value: number, labels: Record<string, string>): void {
  families.add(type, `mysql_info_schema_${name}`, `information_schema ${name}`, value, labels);
}

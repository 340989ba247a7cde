/** SHOW GLOBAL STATUS and SHOW GLOBAL VARIABLES. */
import type { Families } from '../families.ts';
import type { Row } from './client.ts';
import { valueOf, wordOf } from './values.ts';

const GROUPS = /^(com|handler|connection_errors|innodb_buffer_pool_pages|innodb_rows|performance_schema)_(.*)$/;
const STATUS = 'mysql_global_status';

/** Add what the status tells. */
export function addStatus(families: Families, rows: readonly Row[]): void {
  for (const [name, text] of rows) {
    const value = valueOf(text ?? '');
    if (value !== undefined) addOne(families, wordOf(name ?? ''), value);
  }
  const texts = textsOf(rows);
  const uuid = texts.get('wsrep_local_state_uuid') ?? '';
  if (uuid !== '') {
    families.add('gauge', 'mysql_galera_status_info', 'State of the Galera node', 1, {
      wsrep_local_state_uuid: uuid,
      wsrep_cluster_state_uuid: texts.get('wsrep_cluster_state_uuid') ?? '',
      wsrep_provider_version: texts.get('wsrep_provider_version') ?? '',
    });
  }
}

function addOne(families: Families, name: string, value: number): void {
  const [, group, rest] = GROUPS.exec(name) ?? [];
  const counter = (metric: string, help: string, label: string): void =>
    families.add('counter', `${STATUS}_${metric}`, help, value, { [label]: rest! });
  switch (group) {
    case undefined:
      return families.add('untyped', `${STATUS}_${name}`, `SHOW GLOBAL STATUS ${name}`, value);
    case 'com':
      return counter('commands_total', 'Commands that were executed', 'command');
    case 'handler':
      return counter('handlers_total', 'Calls of storage engines', 'handler');
    case 'connection_errors':
      return counter('connection_errors_total', 'Connections that failed', 'error');
    case 'innodb_rows':
      return counter('innodb_row_ops_total', 'Rows that InnoDB worked on', 'operation');
    case 'performance_schema':
      return counter('performance_schema_lost_total', 'Instruments that memory did not suffice for', 'instrumentation');
    default:
      return addPages(families, rest!, value);
  }
}

function addPages(families: Families, state: string, value: number): void {
  if (state === 'total') return;
  if (state === 'dirty') families.add('gauge', `${STATUS}_buffer_pool_dirty_pages`, 'Pages to be written', value);
  else if (['data', 'free', 'misc', 'old'].includes(state))
    families.add('gauge', `${STATUS}_buffer_pool_pages`, 'Pages of the buffer pool by state', value, { state });
  else {
    const name = `${STATUS}_buffer_pool_page_changes_total`;
    families.add('counter', name, 'Changes of pages of the buffer pool', value, { operation: state });
  }
}

/** Add what the variables tell. */
export function addVariables(families: Families, rows: readonly Row[]): void {
  for (const [name, text] of rows) {
    const word = wordOf(name ?? '');
    const value = valueOf(text ?? '');
    if (value !== undefined)
      families.add('gauge', `mysql_global_variables_${word}`, `SHOW GLOBAL VARIABLES ${word}`, value);
  }
  const texts = textsOf(rows);
  const text = (name: string): string => texts.get(name) ?? '';
  families.add('gauge', 'mysql_version_info', 'Version of the server', 1, {
    innodb_version: text('innodb_version'),
    version: text('version'),
    version_comment: text('version_comment'),
  });
  const cluster = text('wsrep_cluster_name');
  if (cluster !== '')
    families.add('gauge', 'mysql_galera_variables_info', 'Galera cluster', 1, { wsrep_cluster_name: cluster });
  const level = text('transaction_isolation') || text('tx_isolation');
  if (level !== '') families.add('gauge', 'mysql_transaction_isolation', 'Isolation of transactions', 1, { level });
}

/** Values that are no numbers, by name. */
function textsOf(rows: readonly Row[]): Map<string, string> {
  const texts = rows.filter(([, text]) => text !== null && text !== undefined && valueOf(text) === undefined);
  return new Map(texts.map(([name, text]) => [wordOf(name ?? ''), text!]));
}

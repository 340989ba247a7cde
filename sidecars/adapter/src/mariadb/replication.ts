/** SHOW ALL SLAVES STATUS: a row for each connection to a master. */
import type { Families, Labels } from '../families.ts';
import type { Table } from './client.ts';
import { valueOf, wordOf } from './values.ts';

const GTIDS = ['Gtid_IO_Pos', 'Gtid_Slave_Pos'];

/** Add what it tells. */
export function addReplication(families: Families, { columns, rows }: Table): void {
  for (const row of rows) {
    const text = (name: string): string => row[columns.indexOf(name)] ?? '';
    const labels = {
      master_host: text('Master_Host') || text('Source_Host'),
      master_uuid: text('Master_UUID') || text('Source_UUID'),
      channel_name: text('Channel_Name'),
      connection_name: text('Connection_name'),
    };
    for (const [index, column] of columns.entries()) {
      const value = valueOf(row[index] ?? '');
      const name = `mysql_slave_status_${wordOf(column)}`;
      if (value !== undefined) families.add('untyped', name, `SHOW SLAVE STATUS ${wordOf(column)}`, value, labels);
    }
    for (const column of GTIDS) addPositions(families, column, text(column), labels);
  }
}

/** `0-1-42,1-2-7`: domain, server, number in sequence. */
function addPositions(families: Families, column: string, text: string, labels: Labels): void {
  for (const gtid of text.split(',')) {
    const [, domain_id, server_id, sequence] = /^(\d+)-(\d+)-(\d{1,20})$/.exec(gtid) ?? [];
    if (domain_id === undefined || server_id === undefined) continue;
    const name = `mysql_slave_status_${column.toLowerCase()}`;
    families.add('gauge', name, `Position of ${column}`, Number(sequence), { ...labels, domain_id, server_id });
  }
}

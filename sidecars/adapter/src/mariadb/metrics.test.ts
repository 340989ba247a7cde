import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Families } from '../families.ts';
import { addResponseTimes } from './information-schema.ts';
import { addReplication } from './replication.ts';
import { addStatus, addVariables } from './status.ts';
import { valueOf } from './values.ts';

const test = suite('metrics of MariaDB');

const VALUES: readonly (readonly [text: string, value: number | undefined])[] = [
  ['ON', 1],
  ['No', 0],
  ['Connecting', 0],
  ['Primary', 1],
  ['non-Primary', 0],
  ['0.250', 0.25],
  ['2026-01-02 03:04:05', 1_767_323_045],
  ['Jan  2 03:04:05 2026 GMT', 1_767_323_045],
  ['18446744073709551615', 18_446_744_073_709_552_000],
  ['', undefined],
  ['mysql-bin.000001', undefined],
  ['11.8.6-MariaDB', undefined],
  ['toString', undefined],
];
for (const [text, value] of VALUES) test(`the value of '${text}' is ${value}`, () => assert.is(valueOf(text), value));

test('status comes in groups', () => {
  const families = new Families();
  addStatus(families, [
    ['Com_select', '3'],
    ['Handler_commit', '4'],
    ['Innodb_buffer_pool_pages_dirty', '5'],
    ['Innodb_buffer_pool_pages_free', '6'],
    ['Innodb_buffer_pool_pages_total', '7'],
    ['Innodb_buffer_pool_pages_flushed', '8'],
    ['Threads_connected', '9'],
    ['Ssl_cipher', ''],
    ['wsrep_local_state_uuid', 'a-b'],
  ]);
  const lines = families
    .text()
    .split('\n')
    .filter((line) => !line.startsWith('#') && line !== '');
  assert.equal(lines, [
    'mysql_global_status_commands_total{command="select"} 3',
    'mysql_global_status_handlers_total{handler="commit"} 4',
    'mysql_global_status_buffer_pool_dirty_pages 5',
    'mysql_global_status_buffer_pool_pages{state="free"} 6',
    'mysql_global_status_buffer_pool_page_changes_total{operation="flushed"} 8',
    'mysql_global_status_threads_connected 9',
    'mysql_galera_status_info{wsrep_local_state_uuid="a-b",wsrep_cluster_state_uuid="",wsrep_provider_version=""} 1',
  ]);
});

test('a replica tells of each of its masters, and where it is', () => {
  const families = new Families();
  const columns = ['Connection_name', 'Master_Host', 'Slave_IO_Running', 'Seconds_Behind_Master', 'Gtid_IO_Pos'];
  addReplication(families, { columns, rows: [['far', 'db', 'Yes', null, '0-1-42,1-2-7,nonsense']] });
  const labels = 'master_host="db",master_uuid="",channel_name="",connection_name="far"';
  const text = families.text();
  assert.match(text, `mysql_slave_status_slave_io_running{${labels}} 1\n`);
  assert.match(text, `mysql_slave_status_gtid_io_pos{${labels},domain_id="1",server_id="2"} 7\n`);
  assert.not.match(text, 'seconds_behind_master');
});

test('response times are summed up', () => {
  const families = new Families();
  addResponseTimes(families, [
    ['  0.000010', '2', '0.00001'],
    ['  0.000100', '3', '0.0002'],
    ['TOO LONG', '1', 'TOO LONG'],
  ]);
  const text = families.text();
  assert.match(text, 'seconds_bucket{le="0.0001"} 5\n');
  assert.match(text, 'seconds_bucket{le="+Inf"} 6\n');
});

test('whatever a server answers, there are well-formed metrics, or none', () => {
  const cell = fc.oneof(
    fc.constant(null),
    fc.string(),
    fc.constantFrom('1', 'ON', 'Com_', '0-0-1', '__proto__', 'nan'),
  );
  const table = fc.array(fc.array(cell, { maxLength: 6 }), { maxLength: 8 });
  fc.assert(
    fc.property(table, fc.array(fc.string(), { maxLength: 4 }), (rows, columns) => {
      const families = new Families();
      addStatus(families, rows);
      addVariables(families, rows);
      addReplication(families, { columns, rows });
      addResponseTimes(families, rows);
      for (const line of families.text().trimEnd().split('\n'))
        assert.match(
          line,
          /^(?:# (?:HELP|TYPE) \w+ |[a-zA-Z_]\w*(?:\{(?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)+\})? [-+\w.]+$)/,
        );
    }),
  );
});

test.run();

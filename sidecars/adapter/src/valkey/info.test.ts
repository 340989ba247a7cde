import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Families } from '../families.ts';
import { latencyHistograms } from './command-stats.ts';
import { readInfo } from './fields.ts';
import { addInfo } from './info.ts';

const test = suite('INFO');

function metrics(text: string, databases = 0): string {
  const families = new Families();
  addInfo(families, readInfo(text), databases, 1000);
  return families.text();
}

test('a replica tells of its master, and how far it is', () => {
  const text = metrics(
    '# Replication\r\nrole:slave\r\nmaster_host:db\r\nmaster_port:6380\r\nmaster_link_status:down\r\nmaster_last_io_seconds_ago:7\r\nslave_repl_offset:99\r\nslave_read_only:1\r\n',
  );
  const master = 'master_host="db",master_port="6380"';
  assert.match(text, `redis_master_link_up{${master}} 0\n`);
  assert.match(text, `redis_master_last_io_seconds_ago{${master}} 7\n`);
  assert.match(text, `redis_slave_repl_offset{${master}} 99\n`);
  assert.match(text, `redis_slave_info{${master},read_only="1"} 1\n`);
});

test('a master tells of its replicas', () => {
  const text = metrics('# Replication\nrole:master\nslave0:ip=::1,port=6379,state=online,offset=1751844676,lag=2\n');
  const labels = 'slave_ip="::1",slave_port="6379",slave_state="online"';
  assert.match(text, `redis_connected_slave_offset_bytes{${labels}} 1.751844676e+09\n`);
  assert.match(text, `redis_connected_slave_lag_seconds{${labels}} 2\n`);
});

test('words are numbers, micros are seconds, and databases without a key are there', () => {
  const text = metrics(
    '# Server\nuptime_in_seconds:40\n# Persistence\nrdb_last_bgsave_status:err\naof_last_write_status:ok\n# Stats\nlatest_fork_usec:1500\n# Keyspace\ndb1:keys=3,expires=1,avg_ttl=2500\n',
    2,
  );
  for (const line of [
    'redis_start_time_seconds 960',
    'redis_rdb_last_bgsave_status 0',
    'redis_aof_last_write_status 1',
    'redis_latest_fork_seconds 0.0015',
    'redis_db_keys{db="db0"} 0',
    'redis_db_keys{db="db1"} 3',
    'redis_db_avg_ttl_seconds{db="db1"} 2.5',
  ])
    assert.match(text, `${line}\n`);
});

test("a histogram's time is of its command and subcommands, not of names with the same prefix", () => {
  const fields = readInfo(
    '# Commandstats\ncmdstat_set:calls=1,usec=10,usec_per_call=10\ncmdstat_setex:calls=1,usec=500,usec_per_call=500\ncmdstat_config|get:calls=1,usec=7,usec_per_call=7\n',
  );
  const families = new Families();
  const details = ['calls', 1, 'histogram_usec', [16, 1]];
  latencyHistograms(families, ['set', details, 'config', details, 'config|get', details], fields);
  assert.match(families.text(), 'latencies_usec_sum{cmd="set"} 10\n');
  assert.match(families.text(), 'latencies_usec_sum{cmd="config"} 7\n');
  assert.match(families.text(), 'latencies_usec_sum{cmd="config|get"} 7\n');
});

test('any text and any answer become well-formed metrics, or none', () => {
  const word = fc.oneof(
    fc.string(),
    fc.constantFrom(
      '# Keyspace',
      '# Commandstats',
      '# Latencystats',
      '# Replication',
      '# Errorstats',
      'db0',
      '__proto__',
    ),
    fc.constantFrom(
      'cmdstat_get:calls=1,usec=2,x=3',
      'latency_percentiles_usec_get:p50=1',
      'slave0:',
      'errorstat_',
      'db1:keys=',
    ),
    fc.constantFrom('calls=', '1', 'ok', ':', ',', '=', 'constructor', 'toString:1', 'db_x:nan', 'cluster_a:1'),
  );
  const line = fc.array(word, { maxLength: 4 }).map((words) => words.join(''));
  const { any } = fc.letrec<{ any: string | number | null | unknown[] }>((tie) => ({
    any: fc.oneof(
      { maxDepth: 4 },
      fc.string(),
      fc.integer(),
      fc.constant(null),
      fc.array(tie('any'), { maxLength: 5 }),
    ),
  }));
  fc.assert(
    fc.property(fc.array(line, { maxLength: 20 }), any, (lines, reply) => {
      const families = new Families();
      const fields = readInfo(lines.join('\n'));
      addInfo(families, fields, 3, 0);
      latencyHistograms(families, reply as never, fields);
      for (const each of families.text().trimEnd().split('\n'))
        assert.match(
          each,
          /^(?:# (?:HELP|TYPE) \w+ |[a-zA-Z_]\w*(?:\{(?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)+\})? [-+\w.]+$)/,
        );
    }),
  );
});

test.run();

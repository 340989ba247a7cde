/** What a node of a cluster and a Sentinel tell, as the metrics of prometheus-redis-exporter. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { scrapeValkey } from './scrape.ts';
import { bulk, testServer, type Respond } from './test-server.ts';

const test = suite('clusters and sentinels');

const array = (...items: readonly string[]): string => `*${items.length}\r\n${items.join('')}`;
const flat = (text: string): string => array(...text.split(' ').map(bulk));

/** The series of a server whose answers are these; it refuses every other question. */
async function seriesOf(answers: Readonly<Record<string, string>>): Promise<string[]> {
  const respond: Respond = (command) => answers[command.join(' ')] ?? '-ERR unknown command\r\n';
  const server = await testServer(respond);
  try {
    const target = { host: '127.0.0.1', port: server.port, user: undefined, password: undefined, ca: undefined };
    const families = await scrapeValkey(target, AbortSignal.timeout(60_000), () => {});
    return families.text().split('\n');
  } finally {
    server.close();
  }
}

const CLUSTERED = bulk('# Cluster\r\ncluster_enabled:1\r\n');

test('a node of a cluster tells CLUSTER INFO', async () => {
  const series = await seriesOf({
    'INFO ALL': CLUSTERED,
    'CLUSTER INFO': bulk(
      'cluster_state:ok\r\ncluster_slots_assigned:16384\r\ncluster_stats_messages_sent:12\r\ncluster_size:3\r\n',
    ),
  });
  for (const line of [
    'redis_cluster_enabled 1',
    'redis_cluster_state 1',
    'redis_cluster_slots_assigned 16384',
    'redis_cluster_messages_sent_total 12',
    'redis_cluster_size 3',
  ])
    assert.ok(series.includes(line), line);
});

test('a node that refuses CLUSTER INFO tells the rest', async () => {
  const series = await seriesOf({ 'INFO ALL': CLUSTERED });
  assert.ok(series.includes('redis_cluster_enabled 1'));
});

test('a Sentinel tells its masters, their settings and who is well', async () => {
  const series = await seriesOf({
    'INFO ALL': bulk(
      '# Sentinel\r\nsentinel_masters:1\r\nsentinel_tilt:0\r\nmaster0:name=shop,status=ok,address=10.0.0.1:6379,slaves=2,sentinels=3\r\n',
    ),
    'SENTINEL MASTERS': array(
      flat('name shop ip 10.0.0.1 port 6379 quorum 2 failover-timeout 180000 last-ok-ping-reply 250'),
    ),
    'SENTINEL CKQUORUM shop': '-NOQUORUM 1 usable Sentinels\r\n',
    'SENTINEL SENTINELS shop': array(flat('name a flags sentinel'), flat('name b flags s_down,sentinel')),
    'SENTINEL SLAVES shop': array(flat('name c flags slave'), flat('name d flags s_down,o_down,slave')),
  });
  const labels = '{master_name="shop",master_address="10.0.0.1:6379"}';
  for (const line of [
    'redis_sentinel_masters 1',
    'redis_sentinel_tilt 0',
    'redis_sentinel_master_status{master_name="shop",master_address="10.0.0.1:6379",master_status="ok"} 1',
    `redis_sentinel_master_slaves${labels} 2`,
    `redis_sentinel_master_sentinels${labels} 3`,
    'redis_sentinel_master_ckquorum_status{master_name="shop",message="NOQUORUM 1 usable Sentinels"} 0',
    `redis_sentinel_master_setting_ckquorum${labels} 2`,
    `redis_sentinel_master_setting_failover_timeout${labels} 180000`,
    `redis_sentinel_master_last_ok_ping_reply_seconds${labels} 0.25`,
    `redis_sentinel_master_ok_sentinels${labels} 2`,
    `redis_sentinel_master_ok_slaves${labels} 1`,
  ])
    assert.ok(series.includes(line), line);
});

test('a Sentinel that answers nonsense about a master is no failure', async () => {
  const series = await seriesOf({
    'INFO ALL': bulk('# Sentinel\r\nsentinel_masters:x\r\nmaster0:name=a=b,slaves\r\n'),
    'SENTINEL MASTERS': array(bulk('x'), array(), flat('ip 1')),
  });
  assert.ok(series.includes('redis_sentinel_masters 0'));
});

test.run();

/** The metrics of a Sentinel, by prometheus-redis-exporter's names. */
import type { Families } from '../families.ts';
import { parseNumber } from '../go-number.ts';
import type { Ask } from './client.ts';
import { ReplyError, textOf, type Reply } from '#kit/resp/reply-reader.ts';

/** Masters that are asked about; a Sentinel with more watches somebody's whole estate. */
const MAX_MASTERS = 512;

const PLAIN = new Set([
  'sentinel_masters',
  'sentinel_tilt',
  'sentinel_running_scripts',
  'sentinel_scripts_queue_length',
  'sentinel_simulate_failure_flags',
]);

/** Settings and states of a master that are numbers: metric behind `sentinel_master_`, and by what it is divided. */
const NUMBERS: Readonly<Record<string, readonly [metric: string, unit: number]>> = {
  quorum: ['setting_ckquorum', 1],
  'failover-timeout': ['setting_failover_timeout', 1],
  'parallel-syncs': ['setting_parallel_syncs', 1],
  'down-after-milliseconds': ['setting_down_after_milliseconds', 1],
  'config-epoch': ['config_epoch', 1],
  'last-ok-ping-reply': ['last_ok_ping_reply_seconds', 1000],
};

const gauge = (families: Families, name: string, value: number, labels: Readonly<Record<string, string>> = {}): void =>
  families.add('gauge', `redis_${name}`, `Sentinel: ${name}`, value, labels);

/** Add a field of INFO's section on the Sentinel: its counts, and `master0:name=a,status=ok,address=…`. */
export function sentinelField(families: Families, name: string, value: string): void {
  if (PLAIN.has(name)) return gauge(families, name, parseNumber(value) ?? 0);
  if (!/^master\d+$/.test(name)) return;
  const parts = new Map(value.split(',', 16).map((pair) => pair.split('=', 2) as [string, string]));
  const slaves = parseNumber(parts.get('slaves') ?? '');
  const sentinels = parseNumber(parts.get('sentinels') ?? '');
  if (slaves === undefined || sentinels === undefined) return;
  const status = parts.get('status') ?? '';
  const labels = { master_name: parts.get('name') ?? '', master_address: parts.get('address') ?? '' };
  gauge(families, 'sentinel_master_status', status === 'ok' ? 1 : 0, { ...labels, master_status: status });
  gauge(families, 'sentinel_master_slaves', slaves, labels);
  gauge(families, 'sentinel_master_sentinels', sentinels, labels);
}

/** What a Sentinel says of a master. */
export interface SentinelMaster {
  readonly fields: ReadonlyMap<string, string>;
  readonly quorum: Reply;
  readonly sentinels: Reply;
  readonly replicas: Reply;
}

/** Ask a Sentinel about its masters. @returns none where it refuses */
export async function askSentinel(ask: Ask): Promise<SentinelMaster[]> {
  const [reply] = await ask([['SENTINEL', 'MASTERS']]);
  const masters = listOf(reply ?? null).filter((fields) => fields.has('name'));
  const chosen = masters.slice(0, MAX_MASTERS);
  if (chosen.length === 0) return [];
  const answers = await ask(
    chosen.flatMap((fields) =>
      ['CKQUORUM', 'SENTINELS', 'SLAVES'].map((word) => ['SENTINEL', word, fields.get('name')!]),
    ),
  );
  return chosen.map((fields, index) => {
    const [quorum = null, sentinels = null, replicas = null] = answers.slice(3 * index, 3 * index + 3);
    return { fields, quorum, sentinels, replicas };
  });
}

/** Add what `askSentinel` was told. */
export function addSentinelMasters(families: Families, masters: readonly SentinelMaster[]): void {
  for (const { fields, quorum, sentinels, replicas } of masters) {
    const master_name = fields.get('name')!;
    const labels = { master_name, master_address: `${fields.get('ip') ?? ''}:${fields.get('port') ?? ''}` };
    const refused = quorum instanceof ReplyError;
    const message = refused ? quorum.message : textOf(quorum);
    gauge(families, 'sentinel_master_ckquorum_status', refused ? 0 : 1, { master_name, message });
    for (const [field, [metric, unit]] of Object.entries(NUMBERS))
      gauge(families, `sentinel_master_${metric}`, (parseNumber(fields.get(field) ?? '') ?? 0) / unit, labels);
    // The Sentinel that is asked counts itself.
    gauge(families, 'sentinel_master_ok_sentinels', 1 + healthy(sentinels), labels);
    gauge(families, 'sentinel_master_ok_slaves', healthy(replicas), labels);
  }
}

const healthy = (reply: Reply): number =>
  listOf(reply).filter((fields) => fields.has('flags') && !/[os]_down/.test(fields.get('flags')!)).length;

/** Lists of names and values. */
function listOf(reply: Reply): Map<string, string>[] {
  return (Array.isArray(reply) ? reply : []).map((each) => {
    const words = Array.isArray(each) ? each.map(textOf) : [];
    return new Map(
      Array.from({ length: Math.floor(words.length / 2) }, (_, at) => [words[2 * at]!, words[2 * at + 1]!]),
    );
  });
}

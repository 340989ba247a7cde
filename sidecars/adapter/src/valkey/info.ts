/** The text that INFO answers, as the metrics of prometheus-redis-exporter. */
import { metricName, type Families, type Labels } from '../families.ts';
import { parseNumber } from '../go-number.ts';
import { commandStats } from './command-stats.ts';
import { fieldOf, part, type InfoField } from './fields.ts';
import { COUNTERS, GAUGES } from './names.ts';
import { replicationField, type Master } from './replication.ts';
import { sentinelField } from './sentinel.ts';

/**
 * Add what INFO tells.
 * @param databases how many the server has: those without a key are not in INFO
 * @param now in seconds since the epoch
 */
export function addInfo(families: Families, fields: readonly InfoField[], databases: number, now: number): void {
  const master: Master = { host: '', port: '' };
  const seen = new Set<string>();
  for (const field of fields) {
    const { section, name, value } = field;
    if (section === 'Replication' && replicationField(families, master, name, value)) continue;
    if (section === 'Commandstats' || section === 'Latencystats') continue;
    if (section === 'Sentinel') sentinelField(families, name, value);
    if (section === 'Server') addServer(families, name, value, now);
    if (section === 'Errorstats') addError(families, name, value);
    if (section === 'Keyspace' && addDatabase(families, name, value)) seen.add(name);
    else addPlain(families, name, value);
  }
  commandStats(families, fields);
  for (let index = 0; index < databases; index++) {
    const db = `db${index}`;
    if (!seen.has(db)) addKeys(families, { db }, 0, 0);
  }
  addInstance(families, fields);
}

/** Add fields that are metrics as they stand: what CLUSTER INFO tells. */
export function addFields(families: Families, fields: readonly InfoField[]): void {
  for (const { name, value } of fields) addPlain(families, name, value);
}

const WORDS: Readonly<Record<string, number>> = { ok: 1, true: 1, err: 0, fail: 0, false: 0 };

/** A field that is a metric as it stands. */
function addPlain(families: Families, field: string, text: string): void {
  const name = metricName(field);
  const counter = Object.hasOwn(COUNTERS, name) ? COUNTERS[name] : undefined;
  const gauge = Object.hasOwn(GAUGES, name) ? GAUGES[name] : undefined;
  if (counter === undefined && gauge === undefined && !/^(?:db|cluster_)/.test(field)) return;
  const value = Object.hasOwn(WORDS, text) ? WORDS[text] : parseNumber(text);
  if (value === undefined) return;
  const help = `INFO ${field}`;
  if (gauge === 'latest_fork_usec') families.add('gauge', 'redis_latest_fork_seconds', help, value / 1e6);
  else families.add(counter === undefined ? 'gauge' : 'counter', `redis_${counter ?? gauge ?? name}`, help, value);
}

function addServer(families: Families, name: string, text: string, now: number): void {
  const value = parseNumber(text);
  if (value === undefined) return;
  if (name === 'uptime_in_seconds')
    families.add('gauge', 'redis_start_time_seconds', 'When the server started, since the epoch', now - value);
  if (name === 'configured_hz' || name === 'hz') families.add('gauge', `redis_${name}`, `INFO ${name}`, value);
}

function addError(families: Families, name: string, text: string): void {
  const [, err] = /^errorstat_(.*)$/.exec(name) ?? [];
  const count = part(text);
  if (err === undefined || count === undefined) return;
  families.add('counter', 'redis_errors_total', 'Errors that were answered, by their first word', count, { err });
}

/** `db0:keys=1,expires=0,avg_ttl=0`, and with valkey 8 more behind it. */
function addDatabase(families: Families, db: string, text: string): boolean {
  if (!db.startsWith('db')) return false;
  const parts = text.split(',', 8);
  // The exporter takes no line of more than four parts.
  const [keys, expiring, ttl] = parts.map(part);
  if (parts.length < 2 || parts.length > 4 || keys === undefined || expiring === undefined) return false;
  if (parts.length > 2 && ttl === undefined) return false;
  addKeys(families, { db }, keys, expiring);
  if (ttl !== undefined)
    families.add('gauge', 'redis_db_avg_ttl_seconds', 'Average time to live of keys', ttl / 1000, { db });
  return true;
}

function addKeys(families: Families, labels: Labels, keys: number, expiring: number): void {
  families.add('gauge', 'redis_db_keys', 'Keys by database', keys, labels);
  families.add('gauge', 'redis_db_keys_expiring', 'Keys that expire, by database', expiring, labels);
}

/** Labels of redis_instance_info, each a field of INFO. */
const INSTANCE = [
  'role',
  'redis_version',
  'redis_build_id',
  'redis_mode',
  'os',
  'maxmemory_policy',
  'tcp_port',
  'run_id',
  'process_id',
  'master_replid',
];

function addInstance(families: Families, fields: readonly InfoField[]): void {
  const value = (name: string): string => fieldOf(fields, name) ?? '';
  const labels = Object.fromEntries(INSTANCE.map((name) => [name, value(name)]));
  families.add('gauge', 'redis_instance_info', 'What the server is', 1, labels);
  if (value('role') !== 'slave') return;
  families.add('gauge', 'redis_slave_info', 'Whose replica the server is', 1, {
    master_host: value('master_host'),
    master_port: value('master_port'),
    read_only: value('slave_read_only'),
  });
}

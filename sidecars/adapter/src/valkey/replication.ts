/** INFO's section on replication. */
import type { Families } from '../families.ts';
import { parseNumber } from '../go-number.ts';

/** The master that the lines before told of. */
export interface Master {
  host: string;
  port: string;
}

const DIRECT = /^(?:master(?:_\d+)?_(last_io_seconds_ago|sync_in_progress)|slave_repl_offset)/;

/**
 * Add a field, where it is one with labels.
 * @returns false when it is not
 */
export function replicationField(families: Families, master: Master, name: string, value: string): boolean {
  if (/^master(?:_\d+)?_host/.test(name)) master.host = value;
  if (/^master(?:_\d+)?_port/.test(name)) master.port = value;
  const labels = { master_host: master.host, master_port: master.port };
  if (/^master(?:_\d+)?_link_status/.test(name)) {
    families.add(
      'gauge',
      'redis_master_link_up',
      'Whether the link to the master is up',
      value === 'up' ? 1 : 0,
      labels,
    );
    return true;
  }
  const direct = DIRECT.exec(name);
  if (direct !== null) {
    const metric = direct[1] === undefined ? 'slave_repl_offset' : `master_${direct[1]}`;
    const number = /^[+-]?\d+$/.test(value) ? Number(value) : 0;
    families.add('gauge', `redis_${metric}`, `INFO ${metric}`, number, labels);
    return true;
  }
  return /^slave\d+/.test(name) && addReplica(families, value);
}

/** `ip=10.0.0.1,port=6379,state=online,offset=1751844676,lag=0` */
function addReplica(families: Families, text: string): boolean {
  const parts = new Map<string, string>();
  for (const pair of text.split(',', 32)) {
    const halves = pair.split('=', 3);
    if (halves.length !== 2) return false;
    parts.set(halves[0]!, halves[1]!);
  }
  const offset = parseNumber(parts.get('offset') ?? '');
  const lag = parseNumber(parts.get('lag') ?? '-1');
  if (offset === undefined || lag === undefined) return false;
  const labels = {
    slave_ip: parts.get('ip') ?? '',
    slave_port: parts.get('port') ?? '',
    slave_state: parts.get('state') ?? '',
  };
  families.add('gauge', 'redis_connected_slave_offset_bytes', 'Offset of a replica', offset, labels);
  if (lag > -1) families.add('gauge', 'redis_connected_slave_lag_seconds', 'Lag of a replica', lag, labels);
  return true;
}

/** How often each command was called and how long it took: INFO's Commandstats and Latencystats, LATENCY HISTOGRAM. */
import type { Families } from '../families.ts';
import { part, type InfoField } from './fields.ts';
import type { Reply } from '#kit/resp/reply-reader.ts';

interface Stats {
  readonly calls: number;
  readonly usec: number;
}

/** `cmdstat_get:calls=21,usec=175,usec_per_call=8.33,rejected_calls=0,failed_calls=0`, by command. */
export function commandStats(families: Families, fields: readonly InfoField[]): void {
  const stats = new Map<string, Stats>();
  for (const { section, name, value } of fields) {
    const [, cmd] = /^cmdstat_(.*)$/.exec(name) ?? [];
    if (section !== 'Commandstats' || cmd === undefined) continue;
    const [calls, usec, , rejected, failed] = value.split(',', 8).map(part);
    if (calls === undefined || usec === undefined) continue;
    stats.set(cmd, { calls, usec });
    const labels = { cmd };
    families.add('counter', 'redis_commands_total', 'Calls by command', calls, labels);
    families.add('counter', 'redis_commands_duration_seconds_total', 'Time by command', usec / 1e6, labels);
    if (rejected === undefined || failed === undefined) continue;
    families.add('counter', 'redis_commands_rejected_calls_total', 'Calls refused before they began', rejected, labels);
    families.add('counter', 'redis_commands_failed_calls_total', 'Calls that ended in an error', failed, labels);
  }
  for (const { section, name, value } of fields) {
    const [, cmd] = /^latency_percentiles_usec_(.*)$/.exec(name) ?? [];
    const known = section === 'Latencystats' && cmd !== undefined ? stats.get(cmd) : undefined;
    if (known === undefined) continue;
    const points = value
      .split(',', 16)
      .map((pair): [number, number] => [Number(/^p([\d.]+)=/.exec(pair)?.[1]), part(pair)!]);
    if (points.some(([percentile, time]) => Number.isNaN(percentile) || time === undefined)) continue;
    const distribution = { count: known.calls, sum: known.usec, points };
    families.summary('redis_latency_percentiles_usec', 'Percentiles of latency by command', distribution, {
      cmd: cmd!,
    });
  }
}

/**
 * What LATENCY HISTOGRAM answers: pairs of a command and `['calls', n, 'histogram_usec', [bound, count, …]]`. The
 * sum of times is not in it and comes from INFO: of the command and of its subcommands (`config|get`).
 */
export function latencyHistograms(families: Families, reply: Reply, fields: readonly InfoField[]): void {
  if (!Array.isArray(reply)) return;
  const times = timesByCommand(fields);
  for (let index = 0; index + 1 < reply.length; index += 2) {
    const cmd = reply[index];
    const details = reply[index + 1];
    if (typeof cmd !== 'string' || !Array.isArray(details)) continue;
    const [, calls, , buckets] = details;
    if (typeof calls !== 'number' || !Array.isArray(buckets)) continue;
    const points: [number, number][] = [];
    for (let at = 0; at + 1 < buckets.length; at += 2) {
      const bound = buckets[at];
      const count = buckets[at + 1];
      if (typeof bound === 'number' && typeof count === 'number') points.push([bound, count]);
    }
    const distribution = { count: calls, sum: times.get(cmd) ?? 0, points };
    families.histogram('redis_commands_latencies_usec', 'Latencies by command', distribution, { cmd });
  }
}

function timesByCommand(fields: readonly InfoField[]): Map<string, number> {
  const times = new Map<string, number>();
  for (const { section, name, value } of fields) {
    const [, cmd] = /^cmdstat_(.*)$/.exec(name) ?? [];
    const usec = part(value.split(',', 2)[1] ?? '');
    if (section !== 'Commandstats' || cmd === undefined || usec === undefined) continue;
    for (const each of new Set([cmd, cmd.split('|', 1)[0]!])) times.set(each, (times.get(each) ?? 0) + usec);
  }
  return times;
}

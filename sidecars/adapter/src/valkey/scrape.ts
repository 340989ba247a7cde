/** All metrics of a valkey, in one round of questions. */
import { Families } from '../families.ts';
import { parseNumber } from '../go-number.ts';
import type { Server } from '../server.ts';
import { conversation, type Command } from './client.ts';
import { latencyHistograms } from './command-stats.ts';
import { fieldOf, readInfo } from './fields.ts';
import { addFields, addInfo } from './info.ts';
import { ReplyError, textOf, type Reply } from '#kit/resp/reply-reader.ts';
import { addSentinelMasters, askSentinel } from './sentinel.ts';

/** Settings that are metrics. Only these are asked for: among the others are passwords. */
const SETTINGS = [
  'io-threads',
  'maxclients',
  'maxmemory',
  'repl-backlog-size',
  'client-output-buffer-limit',
  'databases',
];

/** What INFO does not say and the setting `databases` neither. */
const DATABASES = 16;
/** More databases without a key are not listed. */
const MAX_DATABASES = 1024;

const COMMANDS = {
  info: ['INFO', 'ALL'],
  config: ['CONFIG', 'GET', ...SETTINGS],
  latency_latest: ['LATENCY', 'LATEST'],
  latency_histogram: ['LATENCY', 'HISTOGRAM'],
  slowlog_len: ['SLOWLOG', 'LEN'],
  slowlog_get: ['SLOWLOG', 'GET', '1'],
} as const satisfies Readonly<Record<string, Command>>;

type Query = keyof typeof COMMANDS;
const QUERIES = Object.keys(COMMANDS) as Query[];

/**
 * Ask, and make metrics of the answers. What the user may not ask is left out and reported; without INFO there is
 * nothing.
 * @param refused hears of each question that was refused
 * @throws when the server does not answer INFO
 */
export async function scrapeValkey(
  server: Server,
  signal: AbortSignal,
  refused: (query: string, error: Error) => void,
): Promise<Families> {
  const commands: Command[] = [['CLIENT', 'SETNAME', 'adapter'], ...QUERIES.map((query) => COMMANDS[query])];
  const { replies, cluster, masters } = await conversation(server, signal, async (ask) => {
    const replies = await ask(commands);
    const text = textOf(replies[1]!);
    const [cluster = null] = /^cluster_enabled:1\r?$/m.test(text) ? await ask([['CLUSTER', 'INFO']]) : [];
    return { replies, cluster, masters: text.includes('# Sentinel') ? await askSentinel(ask) : [] };
  });
  const byQuery = new Map(QUERIES.map((query, index) => [query, replies[index + 1]!]));
  const info = byQuery.get('info')!;
  if (info instanceof ReplyError) throw info;
  if (typeof info !== 'string') throw new Error('INFO was answered with no text');
  const answer = (query: Query): Reply => {
    const reply = byQuery.get(query)!;
    if (!(reply instanceof ReplyError)) return reply;
    refused(query, reply);
    return null;
  };
  const families = new Families();
  const fields = readInfo(info);
  const settings = settingsOf(answer('config'));
  addSettings(families, settings);
  const clustered = fieldOf(fields, 'cluster_enabled') === '1';
  const databases = clustered ? 1 : Math.min(parseNumber(settings.get('databases') ?? '') ?? DATABASES, MAX_DATABASES);
  addInfo(families, fields, databases, Math.floor(Date.now() / 1000));
  if (cluster instanceof ReplyError) refused('cluster_info', cluster);
  else addFields(families, readInfo(textOf(cluster)));
  addSentinelMasters(families, masters);
  addSpikes(families, answer('latency_latest'));
  latencyHistograms(families, answer('latency_histogram'), fields);
  addSlowLog(families, answer('slowlog_len'), answer('slowlog_get'));
  return families;
}

function settingsOf(reply: Reply): Map<string, string> {
  const settings = new Map<string, string>();
  if (!Array.isArray(reply)) return settings;
  for (let index = 0; index + 1 < reply.length; index += 2)
    settings.set(textOf(reply[index]!), textOf(reply[index + 1]!));
  return settings;
}

function addSettings(families: Families, settings: ReadonlyMap<string, string>): void {
  for (const name of ['io-threads', 'maxclients', 'maxmemory']) {
    const value = parseNumber(settings.get(name) ?? '');
    if (value !== undefined)
      families.add('gauge', `redis_config_${name.replaceAll('-', '_')}`, `The setting ${name}`, value);
  }
  // `normal 0 0 0 slave 268435456 67108864 60 …`: class, hard limit, soft limit, seconds.
  const words = (settings.get('client-output-buffer-limit') ?? '').split(' ', 64);
  for (let index = 0; index + 3 < words.length; index += 4) {
    const kind = words[index]!;
    const [hard, soft, seconds] = words.slice(index + 1, index + 4).map(parseNumber);
    const limit = 'redis_config_client_output_buffer_limit';
    const add = (name: string, value: number | undefined, which: string): void => {
      if (value !== undefined)
        families.add('gauge', name, 'The setting client-output-buffer-limit', value, { class: kind, limit: which });
    };
    add(`${limit}_bytes`, hard, 'hard');
    add(`${limit}_bytes`, soft, 'soft');
    add(`${limit}_overcome_seconds`, seconds, 'soft');
  }
}

/** `[[event, time of the last, its milliseconds, the longest], …]` */
function addSpikes(families: Families, reply: Reply): void {
  for (const spike of Array.isArray(reply) ? reply : []) {
    if (!Array.isArray(spike)) continue;
    const [event_name, last, duration] = spike;
    if (typeof event_name !== 'string' || typeof last !== 'number' || typeof duration !== 'number') continue;
    const name = 'redis_latency_spike';
    families.add('gauge', `${name}_last`, 'When the last spike of latency was', last, { event_name });
    families.add('gauge', `${name}_duration_seconds`, 'How long it was', duration / 1000, { event_name });
  }
}

function addSlowLog(families: Families, length: Reply, entries: Reply): void {
  if (typeof length === 'number') families.add('gauge', 'redis_slowlog_length', 'Entries of the slow log', length);
  if (!Array.isArray(entries)) return;
  const [newest] = entries;
  const [id, , usec] = Array.isArray(newest) ? newest : [];
  families.add('gauge', 'redis_slowlog_last_id', 'Id of the newest entry', typeof id === 'number' ? id : 0);
  const seconds = typeof usec === 'number' ? usec / 1e6 : 0;
  families.add('gauge', 'redis_last_slow_execution_duration_seconds', 'How long the newest entry took', seconds);
}

/** INFO of several servers: the sums of their keys, and the lines that all of them say alike. */
import { bulkReply } from '../resp/encode.ts';

const KEYSPACE = /^(db\d+):keys=(\d+),expires=(\d+),avg_ttl=(\d+)/;

/** Counts that mean the same of several servers together. */
const SUMMED =
  /^(blocked_clients|total_blocking_keys|total_blocking_keys_on_nokey|expired_keys|evicted_keys|keyspace_hits|keyspace_misses|total_error_replies|unexpected_error_replies|rdb_changes_since_last_save|lazyfreed_objects|lazyfree_pending_objects):(\d+)$/;

/** What is under way at any of the servers is under way: clients wait until it is 0. */
const UNDER_WAY = /^(loading|async_loading|rdb_bgsave_in_progress|aof_rewrite_in_progress|aof_rewrite_scheduled):[01]$/;

/**
 * Memory, connections and most counters are each server's own and are left out: no sum and no average of them is
 * what a client asks for.
 * @throws {Error} when a reply is no text
 */
export function mergedInfo(replies: readonly Buffer[]): Buffer {
  if (replies.length === 1) return replies[0]!;
  const texts = replies.map(textOf);
  const others = texts.slice(1).map((text) => new Set(text.split('\r\n')));
  const lines: string[] = [];
  for (const line of texts[0]!.split('\r\n')) {
    if (line.startsWith('# Keyspace')) {
      lines.push(line, ...keyspace(texts));
      continue;
    }
    const summed = SUMMED.exec(line)?.[1];
    if (summed !== undefined) {
      lines.push(`${summed}:${sumOf(texts, summed)}`);
      continue;
    }
    const underWay = UNDER_WAY.exec(line)?.[1];
    if (underWay !== undefined) {
      lines.push(`${underWay}:${Math.min(1, sumOf(texts, underWay))}`);
      continue;
    }
    if (!KEYSPACE.test(line) && (line === '' || others.every((each) => each.has(line)))) lines.push(line);
  }
  const text = lines.join('\r\n');
  return replies[0]![0] === 0x24 ? bulkReply(text) : Buffer.from(`=${text.length + 4}\r\ntxt:${text}\r\n`, 'latin1');
}

const sumOf = (texts: readonly string[], name: string): number =>
  texts.reduce((sum, text) => sum + Number(new RegExp(`^${name}:(\\d+)\r$`, 'm').exec(text)?.[1] ?? 0), 0);

/** Its text: of a bulk string, or of a verbatim string of RESP3. */
function textOf(reply: Buffer): string {
  const text = reply.toString('latin1');
  const head = /^(?:\$\d+\r\n|=\d+\r\ntxt:)/.exec(text);
  if (!head) throw new Error('a server answered something other than a text');
  return text.slice(head[0].length, -2);
}

function keyspace(texts: readonly string[]): string[] {
  const sums = new Map<string, { keys: number; expires: number; ttl: number }>();
  for (const line of texts.flatMap((text) => text.split('\r\n'))) {
    const [, name, ...numbers] = KEYSPACE.exec(line) ?? [];
    if (name === undefined) continue;
    const [keys, expires, ttl] = numbers.map(Number) as [number, number, number];
    const sum = sums.get(name) ?? { keys: 0, expires: 0, ttl: 0 };
    // The average of all keys that expire.
    sums.set(name, { keys: sum.keys + keys, expires: sum.expires + expires, ttl: sum.ttl + ttl * expires });
  }
  return [...sums].map(
    ([name, { keys, expires, ttl }]) =>
      `${name}:keys=${keys},expires=${expires},avg_ttl=${expires === 0 ? 0 : Math.round(ttl / expires)}`,
  );
}

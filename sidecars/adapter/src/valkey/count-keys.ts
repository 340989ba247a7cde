/** How many keys match a pattern: SCAN over all of a database, for which no index helps. */
import { Families } from '../families.ts';
import type { Server } from '../server.ts';
import { conversation, type Ask } from './client.ts';
import { ReplyError, type Reply } from '#kit/resp/reply-reader.ts';

export interface KeyPattern {
  readonly db: string;
  readonly pattern: string;
}

/** Keys that the server looks at in one step; in between it serves others. */
const STEP = '1000';

/** `db0=session:*`, or `session:*` for database 0. */
export function readPatterns(texts: readonly string[]): KeyPattern[] {
  return texts.map((text) => {
    const [, db = '0', pattern] = /^(?:db(\d+)=)?(.*)$/s.exec(text)!;
    return { db, pattern: pattern! };
  });
}

/** Count them. @throws when the server refuses a step */
export async function countKeys(
  server: Server,
  patterns: readonly KeyPattern[],
  signal: AbortSignal,
): Promise<Families> {
  return await conversation(server, signal, async (ask) => {
    const families = new Families();
    for (const { db, pattern } of patterns) {
      const [selected] = await ask([['SELECT', db]]);
      if (selected instanceof ReplyError) throw selected;
      const count = await scan(ask, pattern);
      families.add('gauge', 'redis_keys_count', 'Keys that match', count, { db: `db${db}`, key: pattern });
    }
    return families;
  });
}

async function scan(ask: Ask, pattern: string): Promise<number> {
  let count = 0;
  let cursor = '0';
  do {
    const [reply] = await ask([['SCAN', cursor, 'MATCH', pattern, 'COUNT', STEP]]);
    const [next, keys] = pageOf(reply!);
    count += keys.length;
    cursor = next;
  } while (cursor !== '0');
  return count;
}

function pageOf(reply: Reply): [cursor: string, keys: Reply[]] {
  if (reply instanceof ReplyError) throw reply;
  const [cursor, keys] = Array.isArray(reply) ? reply : [];
  if (typeof cursor !== 'string' || !Array.isArray(keys)) throw new Error('SCAN was answered with no page');
  return [cursor, keys];
}

/** Valkey (and Redis) as the adapter asks it. */
import type { AdapterKit } from '../contract.ts';
import type { Database, Outcome } from '../database.ts';
import { Families } from '../families.ts';
import type { Server } from '../server.ts';
import { conversation } from './client.ts';
import { countKeys, readPatterns } from './count-keys.ts';
import { ReplyError } from '#kit/resp/reply-reader.ts';
import { scrapeValkey } from './scrape.ts';
import { SlowLog } from './slow-log.ts';

/** @param parameters what of it is wanted, and how */
export function openValkey(server: Server, parameters: AdapterKit['parameters']): Database {
  const patterns = readPatterns(parameters.ADAPTER_COUNT_KEYS ?? []);
  const slowLog = new SlowLog(server, parameters.ADAPTER_SLOW_LOG_TEXT === 'whole');
  const total = { scrapes: 0, seconds: 0 };
  return {
    scrape: (signal, refused) => scrapeValkey(server, signal, refused),
    about: (outcome) => about(outcome, total),
    ping: (signal) => ping(server, signal),
    expensive: patterns.length === 0 ? [] : [{ name: 'keys', ask: (signal) => countKeys(server, patterns, signal) }],
    slowLog: parameters.ADAPTER_SLOW_LOG_INTERVAL === 0 ? undefined : (signal) => slowLog.read(signal),
  };
}

/** Any answer but PONG is a reason: LOADING, BUSY, NOAUTH. */
async function ping(server: Server, signal: AbortSignal): Promise<void> {
  const [answer] = await conversation(server, signal, (ask) => ask([['PING']]));
  if (answer instanceof ReplyError) throw answer;
  if (answer !== 'PONG') throw new Error('PING was not answered with PONG');
}

function about({ error, seconds }: Outcome, total: { scrapes: number; seconds: number }): Families {
  total.scrapes += 1;
  total.seconds += seconds;
  const families = new Families();
  families.add('gauge', 'redis_up', 'Whether the server answered', error === undefined ? 1 : 0);
  const name = 'redis_exporter';
  const err = error?.message ?? '';
  families.add('gauge', `${name}_last_scrape_error`, 'Whether the last round failed, and why', err === '' ? 0 : 1, {
    err,
  });
  families.add('gauge', `${name}_last_scrape_duration_seconds`, 'How long the last round took', seconds);
  families.add('counter', `${name}_scrapes_total`, 'Rounds so far', total.scrapes);
  const distribution = { count: total.scrapes, sum: total.seconds, points: [] };
  families.summary(`${name}_scrape_duration_seconds`, 'How long rounds took', distribution);
  return families;
}

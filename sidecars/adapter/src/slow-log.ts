/** The slow log of the database as JSON lines. */
import { withDeadline, type Database } from './database.ts';
import type { AdapterKit } from './contract.ts';
import { repeat } from './repeat.ts';

/** Read it until the signal is aborted. */
export async function followSlowLog(
  { parameters, metrics, log }: Pick<AdapterKit, 'parameters' | 'metrics' | 'log'>,
  { slowLog }: Database,
  signal: AbortSignal,
): Promise<void> {
  if (slowLog === undefined) return;
  let failing = '';
  const read = async (): Promise<void> => {
    const { entries, lost, begunAnew } = await withDeadline(parameters.ADAPTER_TIMEOUT, slowLog, signal);
    failing = '';
    if (begunAnew) log.info('the slow log began anew');
    if (lost > 0) {
      metrics.adapter_slow_log_lost_total.inc(lost);
      log.warn({ lost }, 'the database dropped entries of its slow log before they were read');
    }
    for (const entry of entries) {
      log.info({ slow: entry }, 'slow query');
      metrics.adapter_slow_log_entries_total.inc();
    }
  };
  await repeat(parameters.ADAPTER_SLOW_LOG_INTERVAL, signal, read, ({ message }) => {
    if (signal.aborted || message === failing) return;
    failing = message;
    log.warn({ reason: message }, 'the slow log cannot be read');
  });
}

/** What everything that speaks to an endpoint is given. */
import type { Logger } from '#kit/telemetry/log.ts';
import type { Sweeper } from '#proxy/loop/sweeper.ts';
import type { ProxySettings } from '#proxy/settings.ts';
import type { ProxyStats } from '#proxy/stats.ts';

export interface UpstreamContext {
  readonly settings: ProxySettings;
  readonly log: Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;
  readonly stats: ProxyStats;
  readonly sweeper: Sweeper;
}

/** Count and log an exception that the code's own defect must have thrown: what it belonged to is ended, nothing else. */
export function internalError({ stats, log }: Pick<UpstreamContext, 'stats' | 'log'>, error: unknown): void {
  stats.internalError();
  log.error({ err: error }, 'internal error: what it belonged to is ended');
}

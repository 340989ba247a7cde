/** What all connections of a proxy share. */
import type { Logger } from '#kit/telemetry/log.ts';
import type { Filters } from './filters/filter.ts';
import type { ProxySettings } from './settings.ts';
import type { ProxyStats } from './stats.ts';
import type { Sweeper } from './sweeper.ts';
import type { Cluster } from './upstream/cluster.ts';

export interface ProxyContext {
  readonly settings: ProxySettings;
  readonly log: Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;
  readonly stats: ProxyStats;
  readonly sweeper: Sweeper;
  readonly filters: Filters;
  /** Where requests go that no filter sends elsewhere. */
  readonly cluster: Cluster;
  /** The end has begun: no connection outlives its current request. */
  draining: boolean;
}

/** Count and log an exception that the code's own defect must have thrown: what it belonged to is ended, nothing else. */
export function internalError({ stats, log }: ProxyContext, error: unknown): void {
  stats.internalError();
  log.error({ err: error }, 'internal error: what it belonged to is ended');
}

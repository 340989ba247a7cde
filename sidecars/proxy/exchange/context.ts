/** What all connections of a proxy share. */
import type { Filters } from '#proxy/filters/filter.ts';
import type { Cluster } from '#proxy/upstream/cluster.ts';
import type { UpstreamContext } from '#proxy/upstream/context.ts';

export interface ProxyContext extends UpstreamContext {
  readonly filters: Filters;
  /** Where requests go that no filter sends elsewhere. */
  readonly cluster: Cluster;
  /** The end has begun: no connection outlives its current request. */
  draining: boolean;
}

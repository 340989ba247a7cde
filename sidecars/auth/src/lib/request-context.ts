/** A request, and what the sidecar's filter has found out about it before it decides. */
import type { FilteredExchange } from '#proxy/filters/filter.ts';
import type { Client } from '../http/client.ts';

export interface RequestContext {
  readonly exchange: FilteredExchange;
  readonly client: Client;
  /** The sidecar's own cookies, which are no longer in the request. */
  readonly own: ReadonlyMap<string, string>;
  readonly secureCookies: boolean;
}

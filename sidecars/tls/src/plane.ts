/** What every part of the data plane shares. */
import type { Logger } from '#kit/log.ts';
import type { Values } from '#kit/parameters.ts';
import type { contract } from './contract.ts';
import type { Sweeper } from './sweeper.ts';
import type { Tally } from './tally.ts';
import type { AppHealth } from './upstream/health.ts';
import type { UpstreamPool } from './upstream/pool.ts';

export interface Plane {
  readonly parameters: Values<typeof contract.parameters>;
  readonly log: Logger;
  readonly tally: Tally;
  readonly sweeper: Sweeper;
  readonly pool: UpstreamPool;
  readonly health: AppHealth;
  /** `Strict-Transport-Security`'s value; '' for none. */
  readonly hsts: string;
  /** Each request is logged, at debug level. */
  readonly logsRequests: boolean;
  /** The end has begun: no connection outlives its current request. */
  draining: boolean;
  /** The application answered with HTTP/1.0 last: it knows neither 100 (Continue) nor chunks. */
  appIsOld: boolean;
}

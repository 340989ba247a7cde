/** What the data path tells of its requests and connections, and to whom. */
import type { Filter } from '#proxy/filters/filter.ts';
import type { ProxyStats } from '#proxy/stats.ts';
import type { Endpoint } from '#proxy/upstream/cluster.ts';
import type { MeshCluster } from '../cluster/cluster.ts';
import type { Connection } from './connection.ts';
import type { ResponseFlag } from './request-state.ts';

/** A connection that is not HTTP and is open. */
export interface OpenRelay {
  readonly connection: Connection;
  readonly cluster: MeshCluster;
  /** The one that was tried last. */
  readonly endpoint: Endpoint;
  /** Bytes from the client so far. */
  readonly received: number;
  readonly sent: number;
}

/** How a connection ended that is not HTTP. */
export interface RelayEnd {
  readonly connection: Connection;
  readonly cluster: MeshCluster | undefined;
  readonly endpoint: Endpoint | undefined;
  readonly flags: readonly ResponseFlag[];
  readonly cause: string | undefined;
  /** How many further endpoints were tried. */
  readonly retries: number;
  /** From the client. */
  readonly received: number;
  readonly sent: number;
  /** In milliseconds. */
  readonly duration: number;
}

export interface RelayTelemetry {
  onOpen(relay: OpenRelay): void;
  onClose(end: RelayEnd): void;
}

/** Told of what happens in one direction. */
export interface DirectionTelemetry extends RelayTelemetry {
  readonly stats: ProxyStats;
  /** Around all other filters. */
  readonly filters: readonly Filter[];
  /** A connection was refused before a request of it was read. */
  onRefused(reason: string): void;
}

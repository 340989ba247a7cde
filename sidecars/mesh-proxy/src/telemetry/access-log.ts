/**
 * What is written down of each request and connection, for the log, the last requests, and tap. It is made when
 * somebody reads it: of most requests nobody does.
 */
import { epochNow } from '#kit/time/epoch.ts';
import type { RelayEnd } from '../stream-info/telemetry.ts';
import type { RequestState } from '../stream-info/request-state.ts';
import type { Connection } from '../stream-info/connection.ts';
import { causeOf } from '../stream-info/causes.ts';
import type { Direction, Peers } from './labels.ts';

export interface AccessEntry {
  /** ISO 8601. */
  readonly time: string;
  readonly direction: Direction;
  /** Services, as far as they are known. */
  readonly source: string;
  readonly destination: string;
  readonly sourcePrincipal?: string;
  readonly destinationPrincipal?: string;
  readonly mtls: boolean;
  /** `HTTP/1.1`, `HTTP/2`, `gRPC` or `TCP`. */
  readonly protocol: string;
  readonly method?: string;
  readonly authority?: string;
  readonly path?: string;
  readonly status?: number;
  readonly grpcStatus?: string;
  /** Envoy's response flags with commas between, `-` for none. */
  readonly flags: string;
  /** Why it did not go well, as a sentence. */
  readonly cause?: string;
  readonly durationMs: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly retries?: number;
  readonly route?: string;
  readonly cluster?: string;
  /** Who answered last. */
  readonly upstream?: string;
  /** Where the connection was meant to go. */
  readonly originalDestination: string;
  readonly client: string;
  readonly traceId?: string;
}

/** A request or a connection that is over. */
export interface Ended {
  readonly direction: Direction;
  readonly peers: Peers;
  /** Since the epoch, in milliseconds with fractions. */
  readonly began: number;
  /** As in AccessEntry. */
  readonly flags: string;
  readonly cause: string | undefined;
  /** Of the paths that the request's route takes. */
  readonly pattern: string | undefined;
  entry(): AccessEntry;
}

/** It copies what it needs: the record holds the request and the connection, and much more with them. */
export class EndedRequest implements Ended {
  readonly direction: Direction;
  readonly peers: Peers;
  readonly began: number;
  readonly flags: string;
  readonly cause: string | undefined;
  readonly pattern: string | undefined;
  readonly status: number;
  readonly grpcStatus: string | undefined;
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly #duration: number;
  readonly #protocol: Connection['protocol'];
  readonly #destination: Connection['destination'];
  readonly #client: string;
  readonly #grpc: boolean;
  readonly #method: string;
  readonly #authority: string;
  readonly #path: string;
  readonly #retries: number;
  readonly #route: string | undefined;
  readonly #cluster: string | undefined;
  readonly #upstream: string | undefined;
  readonly #traceId: string | undefined;

  /** @param duration in milliseconds */
  constructor(direction: Direction, record: RequestState, peers: Peers, duration: number) {
    const { exchange, connection } = record;
    const { flags, sentence } = causeOf(record);
    this.direction = direction;
    this.peers = peers;
    this.began = epochNow() - duration;
    this.flags = flagText(flags);
    this.cause = sentence;
    this.pattern = record.route?.pattern;
    this.status = exchange.status;
    this.grpcStatus = record.grpcStatus;
    this.requestBytes = exchange.received;
    this.responseBytes = exchange.sent;
    this.#duration = duration;
    this.#protocol = connection.protocol;
    this.#destination = connection.destination;
    this.#client = connection.remoteAddress;
    this.#grpc = record.grpc;
    this.#method = record.method;
    this.#authority = record.authority;
    this.#path = record.target;
    this.#retries = record.retries;
    this.#route = record.route?.name;
    this.#cluster = record.cluster?.name;
    this.#upstream = exchange.tried.at(-1)?.authority;
    this.#traceId = exchange.span?.traceId;
  }

  entry(): AccessEntry {
    const { peers, status, grpcStatus, flags, cause, requestBytes, responseBytes } = this;
    const route = this.#route;
    const cluster = this.#cluster;
    const upstream = this.#upstream;
    const traceId = this.#traceId;
    return {
      ...beginning(this.direction, this.began, peers),
      protocol: this.#grpc ? 'gRPC' : this.#protocol === 'h2' ? 'HTTP/2' : 'HTTP/1.1',
      method: this.#method,
      authority: this.#authority,
      path: this.#path,
      status,
      ...(grpcStatus !== undefined && { grpcStatus }),
      flags,
      ...(cause !== undefined && { cause }),
      durationMs: rounded(this.#duration),
      requestBytes,
      responseBytes,
      ...(this.#retries > 0 && { retries: this.#retries }),
      ...(route !== undefined && { route }),
      ...(cluster !== undefined && { cluster }),
      ...(upstream !== undefined && { upstream }),
      ...where(this.#destination, this.#client),
      ...(traceId !== undefined && { traceId }),
    };
  }
}

export class EndedRelay implements Ended {
  readonly direction: Direction;
  readonly peers: Peers;
  readonly began: number;
  readonly flags: string;
  readonly cause: string | undefined;
  readonly pattern = undefined;
  readonly #entry: AccessEntry;

  constructor(direction: Direction, end: RelayEnd, peers: Peers) {
    const { connection, cluster, endpoint, flags, cause, retries, received, sent, duration } = end;
    this.direction = direction;
    this.peers = peers;
    this.began = epochNow() - duration;
    this.flags = flagText(flags);
    this.cause = cause === undefined ? undefined : `${cause[0]!.toUpperCase()}${cause.slice(1)}.`;
    this.#entry = {
      ...beginning(direction, this.began, peers),
      protocol: 'TCP',
      flags: this.flags,
      ...(this.cause !== undefined && { cause: this.cause }),
      durationMs: rounded(duration),
      requestBytes: received,
      responseBytes: sent,
      ...(retries > 0 && { retries }),
      ...(cluster !== undefined && { cluster: cluster.name }),
      ...(endpoint !== undefined && { upstream: endpoint.authority }),
      ...where(connection.destination, connection.remoteAddress),
    };
  }

  entry(): AccessEntry {
    return this.#entry;
  }
}

const flagText = (flags: readonly string[]): string => (flags.length === 0 ? '-' : flags.join(','));

function beginning(
  direction: Direction,
  began: number,
  peers: Peers,
): Pick<
  AccessEntry,
  'time' | 'direction' | 'source' | 'destination' | 'sourcePrincipal' | 'destinationPrincipal' | 'mtls'
> {
  return {
    time: new Date(began).toISOString(),
    direction,
    source: peers.source.workload,
    destination: peers.serviceName,
    ...principals(peers),
    mtls: peers.mtls,
  };
}

function principals({ source, destination }: Peers): Pick<AccessEntry, 'sourcePrincipal' | 'destinationPrincipal'> {
  return {
    ...(source.principal !== 'unknown' && { sourcePrincipal: source.principal }),
    ...(destination.principal !== 'unknown' && { destinationPrincipal: destination.principal }),
  };
}

function where(
  { address, port }: Connection['destination'],
  client: string,
): Pick<AccessEntry, 'originalDestination' | 'client'> {
  return { originalDestination: `${address.includes(':') ? `[${address}]` : address}:${port}`, client };
}

const rounded = (milliseconds: number): number => Math.round(milliseconds * 1000) / 1000;

/** What is written down of each request and connection: one object, for the log, the last requests, and tap. */
import type { RelayEnd } from '../listeners/relay.ts';
import type { Record as RequestRecord } from '../filters/record.ts';
import { causeOf } from './causes.ts';
import type { Direction, Ends } from './labels.ts';

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

/** @param duration in milliseconds */
export function entryOf(direction: Direction, record: RequestRecord, ends: Ends, duration: number): AccessEntry {
  const { exchange, connection, route, cluster, grpcStatus, retries, span } = record;
  const { flags, sentence } = causeOf(record);
  const upstream = exchange.tried.at(-1)?.authority;
  return {
    time: new Date(Date.now() - duration).toISOString(),
    direction,
    source: ends.source.workload,
    destination: ends.serviceName,
    ...principals(ends),
    mtls: ends.mtls,
    protocol: record.grpc ? 'gRPC' : connection.protocol === 'h2' ? 'HTTP/2' : 'HTTP/1.1',
    method: record.method,
    authority: record.authority,
    path: record.target,
    status: exchange.status,
    ...(grpcStatus !== undefined && { grpcStatus }),
    flags: flags.join(',') || '-',
    ...(sentence !== undefined && { cause: sentence }),
    durationMs: rounded(duration),
    requestBytes: exchange.received,
    responseBytes: exchange.sent,
    ...(retries > 0 && { retries }),
    ...(route !== undefined && { route: route.name }),
    ...(cluster !== undefined && { cluster: cluster.name }),
    ...(upstream !== undefined && { upstream }),
    ...where(connection),
    ...(span !== undefined && { traceId: span.traceId }),
  };
}

export function relayEntry(direction: Direction, end: RelayEnd, ends: Ends): AccessEntry {
  const { connection, cluster, endpoint, flags, cause, received, sent, duration } = end;
  return {
    time: new Date(Date.now() - duration).toISOString(),
    direction,
    source: ends.source.workload,
    destination: ends.serviceName,
    ...principals(ends),
    mtls: ends.mtls,
    protocol: 'TCP',
    flags: flags.join(',') || '-',
    ...(cause !== undefined && { cause: `${cause[0]!.toUpperCase()}${cause.slice(1)}.` }),
    durationMs: rounded(duration),
    requestBytes: received,
    responseBytes: sent,
    ...(cluster !== undefined && { cluster: cluster.name }),
    ...(endpoint !== undefined && { upstream: endpoint.authority }),
    ...where(connection),
  };
}

function principals({ source, destination }: Ends): Pick<AccessEntry, 'sourcePrincipal' | 'destinationPrincipal'> {
  return {
    ...(source.principal !== 'unknown' && { sourcePrincipal: source.principal }),
    ...(destination.principal !== 'unknown' && { destinationPrincipal: destination.principal }),
  };
}

function where({
  destination,
  remoteAddress,
}: RelayEnd['connection']): Pick<AccessEntry, 'originalDestination' | 'client'> {
  return { originalDestination: `${destination.address}:${destination.port}`, client: remoteAddress };
}

const rounded = (milliseconds: number): number => Math.round(milliseconds * 1000) / 1000;

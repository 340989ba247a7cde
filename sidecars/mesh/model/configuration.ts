/**
 * Everything that a proxy is configured by, as one immutable snapshot: what its application calls,
 * what reaches its application, and where both go. Plain data, equal to its JSON. What makes one
 * (a file, an xDS client) knows nothing of sockets, and the data path knows nothing of who made it.
 * Durations are in milliseconds, percentages from 0 to 100.
 */
import type { Authorization } from './authorization.ts';
import type { Cluster } from './cluster.ts';
import type { HeaderEdits, RateLimit } from './policy.ts';
import type { VirtualHost, WeightedCluster } from './route.ts';

export interface Configuration {
  /** Names the snapshot, for logs and the admin port. */
  readonly version: string;
  readonly outbound: Outbound;
  readonly inbound: Inbound;
  /** Where routes and listeners point to, by their names. */
  readonly clusters: readonly Cluster[];
  /** Answers to the application's DNS questions, by host name in small letters; others go to the pod's resolver. */
  readonly names?: Readonly<Record<string, readonly string[]>>;
  readonly telemetry?: Telemetry;
}

/** What the application calls. */
export interface Outbound {
  /** What becomes of a destination that no listener knows. */
  readonly unknown: 'ALLOW_ANY' | 'REGISTRY_ONLY';
  readonly listeners: readonly OutboundListener[];
}

/**
 * What is spoken on a port: found out by its first bytes where `auto`; `http` is found out too, between
 * its versions. `tcp` is passed on as it is.
 */
export type PortProtocol = 'auto' | 'http' | 'tcp';

/**
 * A destination of the application's connections (LDS). Of those that fit, one that names the address
 * is taken before one that names none, and the first one before others.
 */
export interface OutboundListener {
  readonly name: string;
  readonly port: number;
  /** Addresses of the service, as the application connects to them; absent or empty: any. */
  readonly addresses?: readonly string[];
  readonly protocol?: PortProtocol;
  /** For HTTP (RDS): chosen by Host. One that no virtual host fits is an unknown destination. */
  readonly virtualHosts?: readonly VirtualHost[];
  /** For all that is not HTTP: TLS of the application's own, and opaque TCP. Absent: an unknown destination. */
  readonly tcp?: readonly WeightedCluster[];
}

/** Whether a connection that reaches the application must be mTLS of the mesh. */
export type MtlsMode = 'STRICT' | 'PERMISSIVE' | 'DISABLE';

/** What reaches the application. */
export interface Inbound {
  readonly mtls: MtlsMode;
  readonly authorization?: Authorization;
  /** Ports that differ from the rest. */
  readonly ports?: readonly InboundPort[];
}

export interface InboundPort {
  readonly port: number;
  readonly protocol?: PortProtocol;
  readonly mtls?: MtlsMode;
  readonly rateLimit?: RateLimit;
  readonly requestHeaders?: HeaderEdits;
  readonly responseHeaders?: HeaderEdits;
}

export interface Telemetry {
  readonly accessLog?: boolean;
  readonly tracing?: Tracing;
  /** Identities that may watch the live stream of requests; absent: none but the pod itself. */
  readonly tap?: { readonly identities: readonly string[] };
}

export interface Tracing {
  /** Where spans go by OTLP over HTTP: `http://collector:4318/v1/traces`. */
  readonly endpoint: string;
  /** How many of the traces that begin here are sampled. */
  readonly percent: number;
}

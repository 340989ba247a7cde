/** The policy of a mesh as its YAML file says it, checked: durations are in milliseconds from here on. */
import type { StringMatch } from '#mesh/model/match.ts';
import type { HeaderEdits, RetryCondition } from '#mesh/model/policy.ts';

export type MtlsMode = 'STRICT' | 'PERMISSIVE' | 'DISABLE';
/** `grpc` is HTTP/2 to the proxies, and tells gRPC clients that they may ask for the service. */
export type Protocol = 'auto' | 'http' | 'grpc' | 'tcp';

export interface Policy {
  readonly mesh: MeshPolicy;
  readonly services: Readonly<Record<string, ServicePolicy>>;
}

export interface MeshPolicy {
  readonly outbound: 'ALLOW_ANY' | 'REGISTRY_ONLY';
  readonly mtls: MtlsMode;
  /** What becomes of a request that no rule fits. */
  readonly authorization: 'allow' | 'deny';
  readonly accessLog: boolean;
  readonly tracing?: { readonly endpoint: string; readonly percent: number };
  /** Services, or SPIFFE ids, that may watch live requests. */
  readonly tap?: readonly string[];
}

export interface ServicePolicy {
  /** Names by which callers know it, besides its own. */
  readonly hosts?: readonly string[];
  readonly ports?: readonly PortPolicy[];
  readonly mtls?: MtlsMode;
  /** Replicas that no proxy registers: addresses, or DNS names, which the control plane resolves. */
  readonly endpoints?: readonly string[];
  /** Parts of the replicas, by labels that they registered with. */
  readonly subsets?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** As Kubernetes has it; absent: all replicas are equally near. */
  readonly trafficDistribution?: 'PreferSameZone';
  readonly balancing?: 'LEAST_REQUEST' | 'ROUND_ROBIN' | 'RING_HASH' | 'RANDOM';
  readonly connectTimeout?: number;
  readonly limits?: {
    readonly connections?: number;
    readonly pending?: number;
    readonly requests?: number;
    readonly retries?: number;
  };
  readonly retryBudget?: { readonly percent: number; readonly minimum: number };
  readonly outlier?: OutlierPolicy;
  /** The first that fits is taken; without one all goes to all replicas. */
  readonly routes?: readonly RoutePolicy[];
  readonly authorization?: AuthorizationPolicy;
}

export interface PortPolicy {
  readonly port: number;
  readonly protocol: Protocol;
  readonly mtls?: MtlsMode;
  readonly rateLimit?: RateLimitPolicy;
  readonly requestHeaders?: HeaderEdits;
  readonly responseHeaders?: HeaderEdits;
}

export interface OutlierPolicy {
  readonly consecutive5xx?: number;
  readonly consecutiveGatewayFailure?: number;
  readonly interval?: number;
  readonly baseEjectionTime?: number;
  readonly maxEjectionTime?: number;
  readonly maxEjectionPercent?: number;
  readonly successRate?: { minimumHosts?: number; requestVolume?: number; stdevFactor?: number };
  readonly failurePercentage?: { threshold: number; minimumHosts?: number; requestVolume?: number };
}

export interface RateLimitPolicy {
  readonly requests: number;
  readonly per: number;
  /** Absent: as many as `requests`. */
  readonly burst?: number;
}

export interface Destination {
  /** Absent: the service that the route is of. */
  readonly service?: string;
  readonly subset?: string;
  readonly weight: number;
}

export type HeaderPolicy = { readonly name: string; readonly invert?: boolean; readonly present?: true } & {
  readonly [Kind in TextKind]?: string;
} & { readonly range?: { readonly from: number; readonly to: number } };

/** A parameter of the query; without a kind: whether there is one. */
export type QueryPolicy = { readonly name: string } & {
  readonly [Kind in TextKind]?: string;
};

type TextKind = 'exact' | 'prefix' | 'suffix' | 'contains' | 'regex';

/** What pages of other origins may do (Fetch Standard, CORS protocol). */
export interface CorsPolicy {
  readonly origins: readonly { readonly [Kind in TextKind]?: string }[];
  readonly methods?: readonly string[];
  readonly headers?: readonly string[];
  readonly exposeHeaders?: readonly string[];
  readonly maxAge?: number;
  readonly credentials?: boolean;
}

export interface RoutePolicy {
  /** Names it for changes of its split, and in logs. */
  readonly name?: string;
  /** Absent: all of the service's ports. */
  readonly port?: number;
  readonly match?: {
    readonly path?: { readonly prefix?: string; readonly exact?: string; readonly regex?: string };
    readonly methods?: readonly string[];
    readonly headers?: readonly HeaderPolicy[];
    readonly query?: readonly QueryPolicy[];
    /** Services whose requests it is for. */
    readonly from?: readonly string[];
    readonly percent?: number;
  };
  readonly to?: readonly Destination[];
  readonly reply?: { readonly status: number; readonly body?: string };
  readonly timeout?: number;
  /** How long either body may say nothing; absent: as the proxy has it. */
  readonly idleTimeout?: number;
  readonly retry?: {
    readonly on: readonly RetryCondition[];
    readonly attempts?: number;
    readonly perTryTimeout?: number;
    readonly statusCodes?: readonly number[];
    readonly backoff?: { readonly base: number; readonly max: number };
  };
  readonly mirror?: readonly { readonly service?: string; readonly subset?: string; readonly percent: number }[];
  readonly fault?: {
    readonly delay?: { readonly percent: number; readonly duration: number };
    readonly abort?: { readonly percent: number; readonly status?: number; readonly grpcStatus?: number };
    readonly headers?: readonly HeaderPolicy[];
  };
  readonly rateLimit?: RateLimitPolicy;
  readonly hash?: readonly ({ readonly header: string } | { readonly source: true })[];
  readonly requestHeaders?: HeaderEdits;
  readonly responseHeaders?: HeaderEdits;
  readonly cors?: CorsPolicy;
  readonly rewrite?: { readonly prefix?: string; readonly authority?: string };
}

export interface AuthorizationPolicy {
  /** Absent: as the mesh has it. */
  readonly otherwise?: 'allow' | 'deny';
  readonly rules: readonly AuthorizationRulePolicy[];
}

export interface AuthorizationRulePolicy {
  readonly name: string;
  readonly action: 'allow' | 'deny';
  /** Services of this mesh, or SPIFFE ids; `*` at the end stands for anything, alone for any identity. */
  readonly from?: readonly string[];
  readonly notFrom?: readonly string[];
  /** Addresses that callers connect from, or ranges in CIDR notation. */
  readonly ipBlocks?: readonly string[];
  readonly notIpBlocks?: readonly string[];
  readonly methods?: readonly string[];
  /** `/books` is that path, `/books/*` all that begins so, `*.json` all that ends so. */
  readonly paths?: readonly string[];
  /** All of them. */
  readonly headers?: readonly HeaderPolicy[];
  readonly ports?: readonly number[];
}

export type { StringMatch };

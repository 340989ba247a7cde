/** Endpoints that do the same (CDS, EDS), and how they are used. Defaults are Envoy's. */

export interface Cluster {
  readonly name: string;
  /** Whom it stands for: labels of metrics. */
  readonly service?: Service;
  readonly endpoints: readonly Endpoint[];
  /** mTLS of the mesh towards endpoints that are meshed. Absent: in the clear. */
  readonly mtls?: {
    /** SPIFFE ids, one of which an endpoint must show. */
    readonly identities: readonly string[];
  };
  /** Absent: LEAST_REQUEST, the better of two by Linkerd's peak EWMA. */
  readonly policy?: 'LEAST_REQUEST' | 'ROUND_ROBIN' | 'RING_HASH' | 'RANDOM';
  /** Until a connection is there. Absent: as MESH_CONNECT_TIMEOUT says, which is 5 s unless it is set. */
  readonly connectTimeout?: number;
  readonly limits?: CircuitBreaker;
  readonly outlier?: OutlierDetection;
  /** Retries that may be under way, in percent of the requests that are. Absent: 20, and at least 3. */
  readonly retryBudget?: { readonly percent: number; readonly minimum: number };
}

export interface Service {
  readonly name: string;
  readonly namespace: string;
  /** As callers name it. */
  readonly host: string;
}

export interface Endpoint {
  /** An IP address. */
  readonly address: string;
  /** Further ones of it: of all of them, one on a network of the pod's own is used. */
  readonly addresses?: readonly string[];
  /** 0 where its service names none: connections to any port of it are to a pod of the mesh. */
  readonly port: number;
  /** A proxy of the mesh is in front of it. */
  readonly meshed: boolean;
  /** Absent: 1. */
  readonly weight?: number;
  /** Absent: 0. It gets requests while no endpoint of a lower number can be used. */
  readonly priority?: number;
  /** Absent: healthy. Draining ones, and unhealthy ones, get nothing new. */
  readonly health?: 'healthy' | 'unhealthy' | 'draining';
  readonly workload?: Workload;
}

/** Who runs behind an address: labels of metrics. */
export interface Workload {
  readonly name: string;
  readonly namespace: string;
  readonly version?: string;
}

/** What a cluster has under way at most; what is above is refused with 503, or not retried. Absent: 1024, 1024, 1024, and the retry budget. */
export interface CircuitBreaker {
  readonly maxConnections?: number;
  readonly maxPendingRequests?: number;
  readonly maxRequests?: number;
  /** Instead of the retry budget. */
  readonly maxRetries?: number;
}

/** When an endpoint is left out for a while. Absent fields: 5, 10 s, 30 s, 300 s, 10 %. */
export interface OutlierDetection {
  /** 5xx and failures of connections in a row; 0 for never. */
  readonly consecutive5xx?: number;
  /** 502, 503, 504 and failures of connections in a row. Absent: 0, never. */
  readonly consecutiveGatewayFailure?: number;
  /** From one look at which come back to the next. */
  readonly interval?: number;
  /** For so long, times how often it was. */
  readonly baseEjectionTime?: number;
  readonly maxEjectionTime?: number;
  /** Most endpoints that are ejected at a time, in percent; one always may be. */
  readonly maxEjectionPercent?: number;
  readonly successRate?: {
    readonly minimumHosts?: number;
    readonly requestVolume?: number;
    /** A thousandth of standard deviations: 1900. */
    readonly stdevFactor?: number;
  };
  readonly failurePercentage?: {
    readonly threshold: number;
    readonly minimumHosts?: number;
    readonly requestVolume?: number;
  };
}

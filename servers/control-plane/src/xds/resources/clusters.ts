/** Clusters (CDS) and their endpoints (EDS). */
import type { Cluster } from '@grpc/grpc-js-xds/build/src/generated/envoy/config/cluster/v3/Cluster.js';
import type { OutlierDetection } from '@grpc/grpc-js-xds/build/src/generated/envoy/config/cluster/v3/OutlierDetection.js';
import type { HealthStatus } from '@grpc/grpc-js-xds/build/src/generated/envoy/config/core/v3/HealthStatus.js';
import type { ClusterLoadAssignment } from '@grpc/grpc-js-xds/build/src/generated/envoy/config/endpoint/v3/ClusterLoadAssignment.js';
import type { PortPolicy, ServicePolicy } from '../../policy/types.ts';
import { AS_DOWNSTREAM, socketAddress } from './http.ts';
import type { Locality } from '#mesh/model/locality.ts';
import { nearestFirst, type Near } from './locality.ts';
import { any } from './messages.ts';
import {
  clusterName,
  duration,
  grpcName,
  METADATA,
  mtlsOf,
  neverNone,
  spiffeId,
  struct,
  wrapped,
  type MeshState,
  type ReplicaHealth,
  type ReplicaState,
  type ServiceState,
} from './state.ts';
import { tlsOfMesh } from './tls.ts';

const ADS = { ads: {}, resource_api_version: 'V3' } as const;
const CONNECT_TIMEOUT = 5000;
/** Of retries, where the policy says nothing of them: Envoy's own limit is three at a time. */
const RETRY_BUDGET: NonNullable<ServicePolicy['retryBudget']> = { percent: 20, minimum: 3 };

const UNLIMITED = 2 ** 32 - 1;
/** What was sent and is not acknowledged for so long ends the connection, in milliseconds. */
const UNACKNOWLEDGED = 5000;

export interface ClusterPlace {
  readonly state: MeshState;
  readonly service: ServiceState;
  readonly port: PortPolicy;
  readonly subset: string | undefined;
}

/** A service, or a subset of it, on a port: as our proxies use it. */
export function clusterFor(place: ClusterPlace): Cluster {
  const { state, service, port } = place;
  return {
    ...clearClusterFor(place),
    ...((port.protocol === 'http' || port.protocol === 'auto') && { typed_extension_protocol_options: AS_DOWNSTREAM }),
    ...(mtlsOf(state, service, port) !== 'DISABLE' && {
      transport_socket_matches: [
        {
          name: 'mesh',
          match: struct({ tlsMode: 'mesh' }),
          transport_socket: tlsOfMesh([spiffeId(state, service.name)], port.protocol),
        },
        {
          name: 'clear',
          match: struct({}),
          transport_socket: {
            name: 'envoy.transport_sockets.raw_buffer',
            typed_config: any('envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer', {}),
          },
        },
      ],
    }),
    metadata: {
      filter_metadata: {
        [METADATA]: struct({ service: { name: service.name, namespace: state.namespace, host: service.hosts[0]! } }),
      },
    },
  };
}

/** Of socket(7) and tcp(7), on Linux. */
const IPPROTO_TCP = 6;
const TCP_USER_TIMEOUT = 18;

/**
 * The same as an Envoy needs it to do what our proxy does of its own accord: a request that nobody took is made again
 * whatever else is, as Istio has it, too; and a peer whose network is gone is noticed by what it does not acknowledge, or,
 * where all that was sent is acknowledged, by the probes that it does not answer.
 */
export function envoyClusterFor(place: ClusterPlace): Cluster {
  const { limits, retryBudget, routes = [] } = place.service.policy;
  const free = retryBudget === undefined && limits?.retries === undefined && routes.every(({ retry }) => !retry);
  const cluster = clusterFor(place);
  const [thresholds] = cluster.circuit_breakers!.thresholds!;
  return {
    ...cluster,
    ...(free && {
      circuit_breakers: { thresholds: [{ ...thresholds, retry_budget: null, max_retries: { value: UNLIMITED } }] },
    }),
    upstream_connection_options: {
      tcp_keepalive: { keepalive_time: { value: 5 }, keepalive_interval: { value: 1 }, keepalive_probes: { value: 3 } },
    },
    upstream_bind_config: {
      socket_options: [
        { level: IPPROTO_TCP, name: TCP_USER_TIMEOUT, int_value: UNACKNOWLEDGED, state: 'STATE_PREBIND' },
      ],
    },
  };
}

/** The same for who has no certificate of the mesh, and reaches endpoints in the clear: an Envoy. */
export function clearClusterFor({ service, port, subset }: ClusterPlace): Cluster {
  const { policy } = service;
  return {
    name: clusterName(port.port, subset, service.name),
    type: 'EDS',
    eds_cluster_config: { eds_config: ADS },
    connect_timeout: duration(policy.connectTimeout ?? CONNECT_TIMEOUT),
    lb_policy: policy.balancing ?? 'LEAST_REQUEST',
    // The control plane itself sees to it that somebody is left: see neverNone.
    common_lb_config: { healthy_panic_threshold: { value: 0 } },
    ...breakers(policy),
    ...(policy.outlier && { outlier_detection: outlierOf(policy.outlier) }),
    ...(port.protocol === 'grpc' && {
      typed_extension_protocol_options: {
        'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': any(
          'envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
          { explicit_http_config: { http2_protocol_options: {} } },
        ),
      },
    }),
  };
}

/** The same for gRPC clients, who know fewer policies, and reach endpoints in the clear. */
export function grpcClusterFor({ service, port, subset }: ClusterPlace): Cluster {
  const { policy } = service;
  const ring = policy.balancing === 'RING_HASH';
  return {
    name: grpcName(port.port, subset, service.name),
    type: 'EDS',
    eds_cluster_config: { eds_config: ADS, service_name: clusterName(port.port, subset, service.name) },
    lb_policy: ring ? 'RING_HASH' : 'ROUND_ROBIN',
    ...(policy.limits?.requests !== undefined && {
      circuit_breakers: { thresholds: [{ max_requests: { value: policy.limits.requests } }] },
    }),
    ...(policy.outlier && { outlier_detection: outlierOf(policy.outlier) }),
  };
}

function breakers({ limits, retryBudget: wanted }: ServicePolicy): Pick<Cluster, 'circuit_breakers'> {
  const retryBudget = wanted ?? (limits?.retries === undefined ? RETRY_BUDGET : undefined);
  return {
    circuit_breakers: {
      thresholds: [
        {
          ...present({
            max_connections: wrapped(limits?.connections),
            max_pending_requests: wrapped(limits?.pending),
            max_requests: wrapped(limits?.requests),
            max_retries: wrapped(limits?.retries),
          }),
          ...(retryBudget && {
            retry_budget: {
              budget_percent: { value: retryBudget.percent },
              min_retry_concurrency: { value: retryBudget.minimum },
            },
          }),
        },
      ],
    },
  };
}

/** What is not asked for is off, also what is on by default in Envoy and gRPC (success rate). */
function outlierOf(outlier: NonNullable<ServicePolicy['outlier']>): OutlierDetection {
  const { successRate, failurePercentage, consecutive5xx, consecutiveGatewayFailure } = outlier;
  const time = (value: number | undefined) => (value === undefined ? undefined : duration(value));
  return {
    ...present({
      consecutive_5xx: wrapped(consecutive5xx),
      interval: time(outlier.interval),
      base_ejection_time: time(outlier.baseEjectionTime),
      max_ejection_time: time(outlier.maxEjectionTime),
      max_ejection_percent: wrapped(outlier.maxEjectionPercent),
    }),
    ...(consecutiveGatewayFailure !== undefined && {
      consecutive_gateway_failure: { value: consecutiveGatewayFailure },
      enforcing_consecutive_gateway_failure: { value: 100 },
    }),
    enforcing_success_rate: { value: successRate ? 100 : 0 },
    ...(successRate &&
      present({
        success_rate_minimum_hosts: wrapped(successRate.minimumHosts),
        success_rate_request_volume: wrapped(successRate.requestVolume),
        success_rate_stdev_factor: wrapped(successRate.stdevFactor),
      })),
    enforcing_failure_percentage: { value: failurePercentage ? 100 : 0 },
    ...(failurePercentage &&
      present({
        failure_percentage_threshold: wrapped(failurePercentage.threshold),
        failure_percentage_minimum_hosts: wrapped(failurePercentage.minimumHosts),
        failure_percentage_request_volume: wrapped(failurePercentage.requestVolume),
      })),
  };
}

type Present<T> = { [Key in keyof T]?: Exclude<T[Key], undefined> };

function present<T extends object>(fields: T): Present<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Present<T>;
}

const HEALTH: Readonly<Record<ReplicaHealth, HealthStatus>> = {
  healthy: 'HEALTHY',
  unhealthy: 'UNHEALTHY',
  draining: 'DRAINING',
};

/** The replicas of a cluster, those that get nothing now among them. */
export function endpointsFor({ state, service, port, subset }: ClusterPlace, near?: Locality): ClusterLoadAssignment {
  const labels = Object.entries(subset === undefined ? {} : (service.policy.subsets?.[subset] ?? {}));
  const members = neverNone(
    service.replicas.filter((replica) => labels.every(([key, value]) => replica.labels[key] === value)),
  );
  const groups: Near[] =
    near === undefined || service.policy.trafficDistribution === undefined
      ? [{ locality: { region: '', zone: '' }, priority: 0, replicas: members }]
      : nearestFirst(members, near);
  return {
    cluster_name: clusterName(port.port, subset, service.name),
    // Without an endpoint there is no locality: gRPC refuses one that is empty.
    endpoints: groups
      .filter(({ replicas }) => replicas.length > 0)
      .map(({ locality, priority, replicas }) => ({
        locality: { ...locality, sub_zone: '' },
        priority,
        // To gRPC all of a priority then are equally near.
        load_balancing_weight: { value: near === undefined ? 1 : replicas.length },
        lb_endpoints: replicas.map((replica) => endpointOf(replica, port.port, state, service)),
      })),
  };
}

const endpointOf = (replica: ReplicaState, port: number, state: MeshState, service: ServiceState) => ({
  endpoint: {
    address: socketAddress(replica.address, port),
    // An Envoy tries them in turn (RFC 8305); our proxy knows from the metadata which one it can reach.
    additional_addresses: (replica.addresses ?? []).map((each) => ({ address: socketAddress(each, port) })),
  },
  health_status: HEALTH[replica.health],
  load_balancing_weight: { value: replica.weight ?? 1 },
  metadata: {
    filter_metadata: {
      ...(replica.meshed && { 'envoy.transport_socket_match': struct({ tlsMode: 'mesh' }) }),
      [METADATA]: struct({
        addresses: replica.addresses,
        workload: { name: service.name, namespace: state.namespace, version: replica.labels['version'] },
      }),
    },
  },
});

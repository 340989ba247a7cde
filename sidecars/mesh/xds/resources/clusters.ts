/** Clusters (CDS) and endpoints (EDS). */
import type {
  CircuitBreaker,
  Cluster as ClusterModel,
  Endpoint,
  OutlierDetection,
  Service,
  Workload,
} from '../../model/cluster.ts';
import type { Read } from '../wire/protobuf.ts';
import { UpstreamTlsContext, type Cluster, type ClusterLoadAssignment } from '../wire/schema.ts';
import { defined, metadata, milliseconds, plain, ResourceRefused, timer, unpack, unwrap } from './common.ts';

type ClusterMessage = Read<typeof Cluster>;

/** A cluster without its endpoints. */
export interface ClusterPart {
  /** Under which name its endpoints are asked for; undefined for clusters of no endpoints. */
  readonly endpointsName: string | undefined;
  readonly cluster: Omit<ClusterModel, 'endpoints'>;
}

const EDS = 3;
/** Envoy's enum; what is not here is not known. */
const POLICIES: readonly ClusterModel['policy'][] = ['ROUND_ROBIN', 'LEAST_REQUEST', 'RING_HASH', 'RANDOM'];
const CLUSTER_PROVIDED = 6;

/** @throws {ResourceRefused} */
export function clusterPart(message: ClusterMessage): ClusterPart {
  const { name = '', type = 0, lb_policy = 0, eds_cluster_config: eds } = message;
  const policy = POLICIES[lb_policy];
  if (policy === undefined && lb_policy !== CLUSTER_PROVIDED)
    throw new ResourceRefused(`cluster ${name}: load balancing policy ${lb_policy} is not known here`);
  const thresholds = message.circuit_breakers?.thresholds[0];
  const budget = thresholds?.retry_budget;
  const identities = identitiesOf(message);
  return {
    endpointsName: type === EDS ? eds?.service_name || name : undefined,
    cluster: {
      name,
      ...defined({
        policy: policy === 'LEAST_REQUEST' ? undefined : policy,
        service: metadata(message.metadata)['service'] as Service | undefined,
        mtls: identities && { identities },
        connectTimeout: timer(message.connect_timeout),
        limits: thresholds && limits(thresholds),
        retryBudget: budget && {
          percent: budget.budget_percent?.value ?? 20,
          minimum: unwrap(budget.min_retry_concurrency) ?? 3,
        },
        outlier: message.outlier_detection && outlier(message.outlier_detection),
      }),
    },
  };
}

type Thresholds = NonNullable<ClusterMessage['circuit_breakers']>['thresholds'][number];

function limits(thresholds: Thresholds): CircuitBreaker | undefined {
  const found = defined({
    maxConnections: unwrap(thresholds.max_connections),
    maxPendingRequests: unwrap(thresholds.max_pending_requests),
    maxRequests: unwrap(thresholds.max_requests),
    maxRetries: unwrap(thresholds.max_retries),
  });
  return Object.keys(found).length > 0 ? found : undefined;
}

/** Whom endpoints that are meshed must show; undefined without mTLS. */
function identitiesOf({ transport_socket_matches: matches }: ClusterMessage): string[] | undefined {
  const mesh = matches.find(({ match }) => match && plain(match)['tlsMode'] === 'mesh');
  if (!mesh) return undefined;
  const type = 'envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext';
  const { common_tls_context: context } = unpack(mesh.transport_socket?.typed_config, type, UpstreamTlsContext);
  const validation = context?.combined_validation_context?.default_validation_context ?? context?.validation_context;
  return (validation?.match_typed_subject_alt_names ?? []).flatMap(({ matcher }) => matcher?.exact ?? []);
}

function outlier(message: NonNullable<ClusterMessage['outlier_detection']>): OutlierDetection {
  const enforced = (wrapped: { readonly value: number | undefined } | undefined, otherwise: number): boolean =>
    (unwrap(wrapped) ?? otherwise) > 0;
  const gateway = unwrap(message.consecutive_gateway_failure);
  return defined({
    consecutive5xx: unwrap(message.consecutive_5xx),
    consecutiveGatewayFailure: enforced(message.enforcing_consecutive_gateway_failure, 0) ? (gateway ?? 5) : undefined,
    interval: milliseconds(message.interval),
    baseEjectionTime: milliseconds(message.base_ejection_time),
    maxEjectionTime: milliseconds(message.max_ejection_time),
    maxEjectionPercent: unwrap(message.max_ejection_percent),
    // As in Envoy, on unless it is turned off.
    successRate: enforced(message.enforcing_success_rate, 100)
      ? defined({
          minimumHosts: unwrap(message.success_rate_minimum_hosts),
          requestVolume: unwrap(message.success_rate_request_volume),
          stdevFactor: unwrap(message.success_rate_stdev_factor),
        })
      : undefined,
    failurePercentage: enforced(message.enforcing_failure_percentage, 0)
      ? {
          threshold: unwrap(message.failure_percentage_threshold) ?? 85,
          ...defined({
            minimumHosts: unwrap(message.failure_percentage_minimum_hosts),
            requestVolume: unwrap(message.failure_percentage_request_volume),
          }),
        }
      : undefined,
  });
}

type Health = NonNullable<Endpoint['health']>;
/** Envoy's enum: what is not known to be ill counts as well. */
const HEALTH: readonly Health[] = ['healthy', 'healthy', 'unhealthy', 'draining', 'unhealthy', 'healthy'];

/** @throws {ResourceRefused} */
export function endpoints({ cluster_name, endpoints: localities }: Read<typeof ClusterLoadAssignment>): Endpoint[] {
  return localities.flatMap(({ lb_endpoints, priority }) =>
    lb_endpoints.map((each): Endpoint => {
      const { address, port_value: port } = each.endpoint?.address?.socket_address ?? {};
      if (address === undefined || port === undefined)
        throw new ResourceRefused(`an endpoint of ${cluster_name ?? ''} has no address and port`);
      const health = HEALTH[each.health_status ?? 0] ?? 'healthy';
      const weight = unwrap(each.load_balancing_weight);
      const own = metadata(each.metadata);
      const match = each.metadata?.filter_metadata['envoy.transport_socket_match'];
      return {
        address,
        port,
        meshed: match !== undefined && plain(match)['tlsMode'] === 'mesh',
        ...defined({
          weight: weight === 1 ? undefined : weight,
          priority: priority === 0 ? undefined : priority,
          health: health === 'healthy' ? undefined : health,
          addresses: own['addresses'] as readonly string[] | undefined,
          workload: own['workload'] as Workload | undefined,
        }),
      };
    }),
  );
}

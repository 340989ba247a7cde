/** What resources are made of. */
import type { MeshPolicy, MtlsMode, PortPolicy, ServicePolicy } from '../../policy/types.ts';

export type ReplicaHealth = 'healthy' | 'unhealthy' | 'draining';

export interface ReplicaState {
  readonly name: string;
  readonly address: string;
  /** Further ones, on other networks: callers use the one that they can reach. */
  readonly addresses?: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** A proxy of the mesh is in front of it. */
  readonly meshed: boolean;
  readonly health: ReplicaHealth;
  /** It says that it is ready, and only a probe speaks against it. */
  readonly lastResort?: true;
  readonly weight?: number;
}

export const addressesOf = ({ address, addresses = [] }: ReplicaState): readonly string[] => [address, ...addresses];

/**
 * Replicas that have one set of callers, as these are told of them. A probe can be wrong, and for all replicas at once:
 * where no healthy one is left, those that only a probe speaks against get requests (Envoy's panic).
 */
export function neverNone(replicas: readonly ReplicaState[]): readonly ReplicaState[] {
  if (replicas.some(({ health }) => health === 'healthy')) return replicas;
  return replicas.map((replica) => (replica.lastResort ? { ...replica, health: 'healthy' } : replica));
}

export interface ServiceState {
  readonly name: string;
  /** Lower-case names by which callers know it; the first is its own. */
  readonly hosts: readonly string[];
  readonly ports: readonly PortPolicy[];
  readonly policy: ServicePolicy;
  readonly replicas: readonly ReplicaState[];
}

export interface MeshState {
  readonly trustDomain: string;
  readonly namespace: string;
  readonly mesh: MeshPolicy;
  /** Sorted by name, so that the same state makes the same bytes. */
  readonly services: readonly ServiceState[];
}

/** `spiffe://TRUST_DOMAIN/ns/PROJECT/sa/SERVICE` */
export const spiffeId = (
  { trustDomain, namespace }: Pick<MeshState, 'trustDomain' | 'namespace'>,
  service: string,
): string => `spiffe://${trustDomain}/ns/${namespace}/sa/${service}`;

export const mtlsOf = (state: MeshState, { policy }: ServiceState, port?: PortPolicy): MtlsMode =>
  port?.mtls ?? policy.mtls ?? state.mesh.mtls;

export const isHttp = ({ protocol }: PortPolicy): boolean => protocol !== 'tcp';

/** As Istio names clusters: `outbound|8000|v1|catalogue`; the subset is empty for all replicas. */
export const clusterName = (port: number, subset: string | undefined, service: string): string =>
  `outbound|${port}|${subset ?? ''}|${service}`;

/** What gRPC clients ask for: `stock:9090`; a subset's cluster is `stock:9090/v1`. */
export const grpcName = (port: number, subset: string | undefined, service: string): string =>
  `${service}:${port}${subset === undefined ? '' : `/${subset}`}`;

/** Key of our own in the metadata of resources, for what xDS has no field for. */
export const METADATA = 'sidecar-stacks.mesh';

/** google.protobuf.Struct of plain data. */
export function struct(value: Readonly<Record<string, unknown>>): { fields: Record<string, object> } {
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  return { fields: Object.fromEntries(entries.map(([key, each]) => [key, structValue(each)])) };
}

function structValue(value: unknown): object {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'number') return { numberValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (Array.isArray(value)) return { listValue: { values: value.map(structValue) } };
  if (typeof value === 'object' && value !== null) return { structValue: struct(value as Record<string, unknown>) };
  return { nullValue: 'NULL_VALUE' };
}

/** google.protobuf.Duration of milliseconds. */
export function duration(milliseconds: number): { seconds: number; nanos: number } {
  const seconds = Math.floor(milliseconds / 1000);
  const nanos = Math.round((milliseconds % 1000) * 1e6);
  // What is nearly a second is none: nanos end at 999,999,999.
  return nanos < 1e9 ? { seconds, nanos } : { seconds: seconds + 1, nanos: 0 };
}

/** envoy.type.v3.FractionalPercent of a percentage. */
export const fraction = (percent: number): { numerator: number; denominator: 'MILLION' } => ({
  numerator: Math.round(percent * 10_000),
  denominator: 'MILLION',
});

/** A number in its wrapper, where there is one. */
export const wrapped = (value: number | undefined): { value: number } | undefined =>
  value === undefined ? undefined : { value };

/** The fields of xDS messages that a proxy reads, by their numbers in Envoy's .proto files (v3). */
import {
  boolean,
  bytes,
  double,
  lazy,
  lazyList,
  list,
  map,
  message,
  number,
  one,
  string,
  type Kind,
  type Read,
} from './protobuf.ts';

export const Any = message({ type_url: one(1, string), value: one(2, bytes) });
const Wrapped = message({ value: one(1, number) });
const Duration = message({ seconds: one(1, number), nanos: one(2, number) });

/** google.protobuf.Struct, whose values may hold structs. */
interface StructMessage {
  readonly fields: Readonly<Record<string, ValueMessage>>;
}
interface ValueMessage {
  readonly numberValue: number | undefined;
  readonly stringValue: string | undefined;
  readonly boolValue: boolean | undefined;
  readonly structValue: StructMessage | undefined;
  readonly listValue: { readonly values: readonly ValueMessage[] } | undefined;
}
const Value: Kind<ValueMessage> = message({
  numberValue: one(2, double),
  stringValue: one(3, string),
  boolValue: one(4, boolean),
  structValue: lazy(5, () => Struct),
  listValue: lazy(6, () => message({ values: list(1, Value) })),
});
const Struct: Kind<StructMessage> = message({ fields: map(1, () => Value) });
const Metadata = message({ filter_metadata: map(1, () => Struct) });

const Regex = message({ regex: one(2, string) });
export const StringMatcher = message({
  exact: one(1, string),
  prefix: one(2, string),
  suffix: one(3, string),
  safe_regex: one(5, Regex),
  ignore_case: one(6, boolean),
  contains: one(7, string),
});
const Percentage = message({ numerator: one(1, number), denominator: one(2, number) });
const RuntimePercentage = message({ default_value: one(1, Percentage) });
export const HeaderMatcher = message({
  name: one(1, string),
  range_match: one(6, message({ start: one(1, number), end: one(2, number) })),
  present_match: one(7, boolean),
  invert_match: one(8, boolean),
  string_match: one(13, StringMatcher),
});
const HeaderValueOption = message({
  header: one(1, message({ key: one(1, string), value: one(2, string) })),
  append_action: one(3, number),
});
const DataSource = message({ inline_bytes: one(2, bytes), inline_string: one(3, string) });

const RetryPolicy = message({
  retry_on: one(1, string),
  num_retries: one(2, Wrapped),
  per_try_timeout: one(3, Duration),
  retriable_status_codes: list(7, number),
  retry_back_off: one(8, message({ base_interval: one(1, Duration), max_interval: one(2, Duration) })),
});
const RouteAction = message({
  cluster: one(1, string),
  weighted_clusters: one(3, message({ clusters: list(1, message({ name: one(1, string), weight: one(2, Wrapped) })) })),
  prefix_rewrite: one(5, string),
  host_rewrite_literal: one(6, string),
  timeout: one(8, Duration),
  retry_policy: one(9, RetryPolicy),
  hash_policy: list(
    15,
    message({
      header: one(1, message({ header_name: one(1, string) })),
      connection_properties: one(3, message({ source_ip: one(1, boolean) })),
    }),
  ),
  idle_timeout: one(24, Duration),
  request_mirror_policies: list(30, message({ cluster: one(1, string), runtime_fraction: one(3, RuntimePercentage) })),
});
export const Route = message({
  match: one(
    1,
    message({
      prefix: one(1, string),
      path: one(2, string),
      headers: list(6, HeaderMatcher),
      query_parameters: list(
        7,
        message({ name: one(1, string), string_match: one(5, StringMatcher), present_match: one(6, boolean) }),
      ),
      runtime_fraction: one(9, RuntimePercentage),
      safe_regex: one(10, Regex),
    }),
  ),
  route: one(2, RouteAction),
  direct_response: one(7, message({ status: one(1, number), body: one(2, DataSource) })),
  request_headers_to_add: list(9, HeaderValueOption),
  response_headers_to_add: list(10, HeaderValueOption),
  response_headers_to_remove: list(11, string),
  request_headers_to_remove: list(12, string),
  typed_per_filter_config: map(13, () => Any),
  name: one(14, string),
});
export const RouteConfiguration = message({
  name: one(1, string),
  virtual_hosts: list(2, message({ name: one(1, string), domains: list(2, string), routes: list(3, Route) })),
  response_headers_to_add: list(4, HeaderValueOption),
  response_headers_to_remove: list(5, string),
  request_headers_to_add: list(6, HeaderValueOption),
  request_headers_to_remove: list(8, string),
});
export const CorsPolicy = message({
  allow_origin_string_match: list(1, StringMatcher),
  allow_methods: one(2, string),
  allow_headers: one(3, string),
  expose_headers: one(4, string),
  max_age: one(5, string),
  allow_credentials: one(6, message({ value: one(1, boolean) })),
});
export const HttpFault = message({
  delay: one(1, message({ fixed_delay: one(3, Duration), percentage: one(4, Percentage) })),
  abort: one(2, message({ http_status: one(2, number), percentage: one(3, Percentage), grpc_status: one(5, number) })),
  headers: list(4, HeaderMatcher),
});
export const LocalRateLimit = message({
  token_bucket: one(
    3,
    message({ max_tokens: one(1, number), tokens_per_fill: one(2, Wrapped), fill_interval: one(3, Duration) }),
  ),
});

const TransportSocket = message({ name: one(1, string), typed_config: one(3, Any) });
const ValidationContext = message({
  trusted_ca: one(1, DataSource),
  match_typed_subject_alt_names: list(15, message({ san_type: one(1, number), matcher: one(2, StringMatcher) })),
});
export const UpstreamTlsContext = message({
  common_tls_context: one(
    1,
    message({
      validation_context: one(3, ValidationContext),
      combined_validation_context: one(8, message({ default_validation_context: one(1, ValidationContext) })),
    }),
  ),
});
export const Secret = message({ name: one(1, string), validation_context: one(4, ValidationContext) });

const RetryBudget = message({
  budget_percent: one(1, message({ value: one(1, double) })),
  min_retry_concurrency: one(2, Wrapped),
});
const Thresholds = message({
  max_connections: one(2, Wrapped),
  max_pending_requests: one(3, Wrapped),
  max_requests: one(4, Wrapped),
  max_retries: one(5, Wrapped),
  retry_budget: one(8, RetryBudget),
});
const OutlierDetection = message({
  consecutive_5xx: one(1, Wrapped),
  interval: one(2, Duration),
  base_ejection_time: one(3, Duration),
  max_ejection_percent: one(4, Wrapped),
  enforcing_success_rate: one(6, Wrapped),
  success_rate_minimum_hosts: one(7, Wrapped),
  success_rate_request_volume: one(8, Wrapped),
  success_rate_stdev_factor: one(9, Wrapped),
  consecutive_gateway_failure: one(10, Wrapped),
  enforcing_consecutive_gateway_failure: one(11, Wrapped),
  failure_percentage_threshold: one(16, Wrapped),
  enforcing_failure_percentage: one(17, Wrapped),
  failure_percentage_minimum_hosts: one(19, Wrapped),
  failure_percentage_request_volume: one(20, Wrapped),
  max_ejection_time: one(21, Duration),
});
export const Cluster = message({
  name: one(1, string),
  type: one(2, number),
  eds_cluster_config: one(3, message({ service_name: one(2, string) })),
  connect_timeout: one(4, Duration),
  lb_policy: one(6, number),
  circuit_breakers: one(10, message({ thresholds: list(1, Thresholds) })),
  outlier_detection: one(19, OutlierDetection),
  metadata: one(25, Metadata),
  transport_socket_matches: list(
    43,
    message({ name: one(1, string), match: one(2, Struct), transport_socket: one(3, TransportSocket) }),
  ),
});
const Address = message({ socket_address: one(1, message({ address: one(2, string), port_value: one(3, number) })) });
export const ClusterLoadAssignment = message({
  cluster_name: one(1, string),
  endpoints: list(
    2,
    message({
      lb_endpoints: list(
        2,
        message({
          endpoint: one(1, message({ address: one(1, Address) })),
          health_status: one(2, number),
          metadata: one(3, Metadata),
          load_balancing_weight: one(4, Wrapped),
        }),
      ),
      priority: one(5, number),
    }),
  ),
});

const NamedConfig = message({ name: one(1, string), typed_config: one(4, Any) });
const FilterChain = message({
  filter_chain_match: one(
    1,
    message({
      prefix_ranges: list(3, message({ address_prefix: one(1, string) })),
      destination_port: one(8, Wrapped),
      transport_protocol: one(9, string),
      application_protocols: list(10, string),
    }),
  ),
  filters: list(3, NamedConfig),
  transport_socket: one(6, TransportSocket),
  name: one(7, string),
});
export const Listener = message({
  name: one(1, string),
  address: one(2, Address),
  filter_chains: list(3, FilterChain),
  metadata: one(6, Metadata),
  listener_filters: list(9, message({ name: one(1, string), typed_config: one(3, Any) })),
  default_filter_chain: one(25, FilterChain),
});
export const HttpConnectionManager = message({
  rds: one(3, message({ route_config_name: one(2, string) })),
  route_config: one(4, RouteConfiguration),
  http_filters: list(5, NamedConfig),
});
export const TcpProxy = message({ cluster: one(2, string) });

const CidrRange = message({ address_prefix: one(1, string), prefix_len: one(2, Wrapped) });

export interface PermissionMessage {
  readonly and_rules: { readonly rules: readonly PermissionMessage[] } | undefined;
  readonly or_rules: { readonly rules: readonly PermissionMessage[] } | undefined;
  readonly any: boolean | undefined;
  readonly header: Read<typeof HeaderMatcher> | undefined;
  readonly destination_port: number | undefined;
  readonly url_path: { readonly path: Read<typeof StringMatcher> | undefined } | undefined;
}
const Permission: Kind<PermissionMessage> = message({
  and_rules: lazy(1, () => message({ rules: lazyList(1, () => Permission) })),
  or_rules: lazy(2, () => message({ rules: lazyList(1, () => Permission) })),
  any: one(3, boolean),
  header: one(4, HeaderMatcher),
  destination_port: one(6, number),
  url_path: one(10, message({ path: one(1, StringMatcher) })),
});
export type CidrMessage = Read<typeof CidrRange>;
export interface PrincipalMessage {
  readonly and_ids: { readonly ids: readonly PrincipalMessage[] } | undefined;
  readonly or_ids: { readonly ids: readonly PrincipalMessage[] } | undefined;
  readonly any: boolean | undefined;
  readonly authenticated: { readonly principal_name: Read<typeof StringMatcher> | undefined } | undefined;
  readonly not_id: PrincipalMessage | undefined;
  readonly direct_remote_ip: CidrMessage | undefined;
}
const Principal: Kind<PrincipalMessage> = message({
  and_ids: lazy(1, () => message({ ids: lazyList(1, () => Principal) })),
  or_ids: lazy(2, () => message({ ids: lazyList(1, () => Principal) })),
  any: one(3, boolean),
  authenticated: one(4, message({ principal_name: one(2, StringMatcher) })),
  not_id: lazy(8, () => Principal),
  direct_remote_ip: one(10, CidrRange),
});
export const HttpRbac = message({
  rules: one(
    1,
    message({
      action: one(1, number),
      policies: map(2, () => message({ permissions: list(1, Permission), principals: list(2, Principal) })),
    }),
  ),
});

const DnsDomain = message({
  name: one(1, string),
  endpoint: one(2, message({ address_list: one(1, message({ address: list(1, string) })) })),
});
export const DnsFilter = message({
  server_config: one(2, message({ inline_dns_table: one(1, message({ virtual_domains: list(2, DnsDomain) })) })),
});

export const DiscoveryResponse = message({
  version_info: one(1, string),
  resources: list(2, Any),
  type_url: one(4, string),
  nonce: one(5, string),
});

export type DurationMessage = Read<typeof Duration>;
export type StructOf = StructMessage;
export type HeaderValueOptionMessage = Read<typeof HeaderValueOption>;
export type PercentageMessage = Read<typeof Percentage>;
export type MetadataMessage = Read<typeof Metadata>;

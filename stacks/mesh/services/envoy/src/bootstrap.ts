/** What an Envoy beside an app knows before it has met the control plane: who it is, where that is, and who gives it its key. */
import type { Locality } from '#mesh/model/locality.ts';
import { OWN_CERTIFICATE, TRUST_BUNDLE } from './secrets.ts';

export interface BootstrapOptions {
  readonly service: string;
  readonly replica: string;
  /** Where it is, of the replica's labels. */
  readonly locality: Locality | undefined;
  readonly controlPlane: { readonly host: string; readonly port: number; readonly spiffeId: string };
  /** Paths of Unix sockets: where its secrets are served, and where it serves its admin interface. */
  readonly secrets: string;
  readonly admin: string;
}

/** Name of the cluster of the agent, as Istio has it: the control plane's resources name it. */
const SDS_CLUSTER = 'sds-grpc';
const CONTROL_PLANE = 'control-plane';

const HTTP2 = {
  'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
    '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
    explicit_http_config: { http2_protocol_options: { connection_keepalive: { interval: '30s', timeout: '5s' } } },
  },
};

/** @returns envoy.config.bootstrap.v3.Bootstrap, as JSON */
export function bootstrapOf({ service, replica, locality, controlPlane, secrets, admin }: BootstrapOptions): string {
  const endpoint = (cluster_name: string, address: object) => ({
    cluster_name,
    endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }],
  });
  return JSON.stringify({
    node: {
      id: `${service}~${replica}`,
      cluster: service,
      metadata: { SERVICE: service },
      locality,
    },
    admin: { address: { pipe: { path: admin } } },
    dynamic_resources: {
      ads_config: {
        // What has changed alone, not all clusters and listeners for each change of one.
        api_type: 'DELTA_GRPC',
        transport_api_version: 'V3',
        set_node_on_first_message_only: true,
        grpc_services: [{ envoy_grpc: { cluster_name: CONTROL_PLANE } }],
      },
      cds_config: { ads: {}, resource_api_version: 'V3' },
      lds_config: { ads: {}, resource_api_version: 'V3' },
    },
    static_resources: {
      clusters: [
        {
          name: SDS_CLUSTER,
          type: 'STATIC',
          typed_extension_protocol_options: HTTP2,
          load_assignment: endpoint(SDS_CLUSTER, { pipe: { path: secrets } }),
        },
        {
          name: CONTROL_PLANE,
          type: 'STRICT_DNS',
          connect_timeout: '5s',
          typed_extension_protocol_options: HTTP2,
          load_assignment: endpoint(CONTROL_PLANE, {
            socket_address: { address: controlPlane.host, port_value: controlPlane.port },
          }),
          transport_socket: {
            name: 'envoy.transport_sockets.tls',
            typed_config: {
              '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
              common_tls_context: tlsTowards(controlPlane.spiffeId),
            },
          },
        },
      ],
    },
    layered_runtime: {
      layers: [
        // The control plane bounds the expressions of its policy itself.
        { name: 'static', static_layer: { 're2.max_program_size.error_level': 4_294_967_295 } },
      ],
    },
  });
}

function tlsTowards(spiffeId: string): object {
  const sds_config = {
    resource_api_version: 'V3',
    api_config_source: {
      api_type: 'GRPC',
      transport_api_version: 'V3',
      grpc_services: [{ envoy_grpc: { cluster_name: SDS_CLUSTER } }],
    },
  };
  return {
    alpn_protocols: ['h2'],
    tls_params: { tls_minimum_protocol_version: 'TLSv1_3', tls_maximum_protocol_version: 'TLSv1_3' },
    tls_certificate_sds_secret_configs: [{ name: OWN_CERTIFICATE, sds_config }],
    combined_validation_context: {
      default_validation_context: {
        match_typed_subject_alt_names: [{ san_type: 'URI', matcher: { exact: spiffeId } }],
      },
      validation_context_sds_secret_config: { name: TRUST_BUNDLE, sds_config },
    },
  };
}

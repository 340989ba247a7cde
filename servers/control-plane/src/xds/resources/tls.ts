/** mTLS of the mesh, for both ends, and the secrets that it names (SDS). */
import type { ConfigSource } from '@grpc/grpc-js-xds/build/src/generated/envoy/config/core/v3/ConfigSource.js';
import type { Secret } from '@grpc/grpc-js-xds/build/src/generated/envoy/extensions/transport_sockets/tls/v3/Secret.js';
import type { TlsParameters } from '@grpc/grpc-js-xds/build/src/generated/envoy/extensions/transport_sockets/tls/v3/TlsParameters.js';
import type { Protocol } from '../../policy/types.ts';
import { any } from './messages.ts';

/** The workload's own certificate, as Istio names it. */
export const OWN_CERTIFICATE = 'default';
/** The roots of the trust domain. */
export const TRUST_BUNDLE = 'ROOTCA';

const ADS = { ads: {}, resource_api_version: 'V3' } as const;
/**
 * Where a proxy has its key from: an agent in its pod. No key comes from here. Our proxy makes its key itself and does not
 * look at this; an Envoy's bootstrap has a cluster of this name, as Istio calls it.
 */
const AGENT: ConfigSource = {
  resource_api_version: 'V3',
  api_config_source: {
    api_type: 'GRPC',
    transport_api_version: 'V3',
    grpc_services: [{ envoy_grpc: { cluster_name: 'sds-grpc' } }],
  },
};
/** An Envoy offers no X25519MLKEM768 of its own accord; Node does. */
const TLS_1_3: TlsParameters = {
  tls_minimum_protocol_version: 'TLSv1_3',
  tls_maximum_protocol_version: 'TLSv1_3',
  ecdh_curves: ['X25519MLKEM768', 'X25519', 'P-256'],
};

/** What proxies of the mesh say that they speak inside TLS. */
export const ALPN = { http1: 'mesh-http/1.1', http2: 'mesh-h2', tcp: 'mesh-tcp' } as const;

const OFFERED: Readonly<Record<Protocol, string[]>> = {
  http: [ALPN.http1],
  grpc: [ALPN.http2],
  tcp: [ALPN.tcp],
  auto: [ALPN.http1, ALPN.tcp],
};

/** Towards an endpoint that must show one of these identities. */
export const tlsOfMesh = (identities: readonly string[], protocol: Protocol) => ({
  name: 'envoy.transport_sockets.tls',
  typed_config: any('envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext', {
    common_tls_context: {
      ...common,
      alpn_protocols: OFFERED[protocol],
      combined_validation_context: {
        default_validation_context: {
          match_typed_subject_alt_names: identities.map((exact) => ({ san_type: 'URI' as const, matcher: { exact } })),
        },
        validation_context_sds_secret_config: { name: TRUST_BUNDLE, sds_config: ADS },
      },
    },
  }),
});

const common = {
  tls_params: TLS_1_3,
  tls_certificate_sds_secret_configs: [{ name: OWN_CERTIFICATE, sds_config: AGENT }],
};

/** Of a listener: any identity of the trust domain, which authorisation looks at. */
export const tlsOfListener = (trustDomain: string, protocols: readonly string[]) => ({
  name: 'envoy.transport_sockets.tls',
  typed_config: any('envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext', {
    require_client_certificate: { value: true },
    common_tls_context: {
      ...common,
      alpn_protocols: [...protocols],
      combined_validation_context: {
        default_validation_context: {
          match_typed_subject_alt_names: [
            { san_type: 'URI' as const, matcher: { prefix: `spiffe://${trustDomain}/` } },
          ],
        },
        validation_context_sds_secret_config: { name: TRUST_BUNDLE, sds_config: ADS },
      },
    },
  }),
});

export const trustBundle = (pem: string): Secret => ({
  name: TRUST_BUNDLE,
  validation_context: { trusted_ca: { inline_string: pem } },
});

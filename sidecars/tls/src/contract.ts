/** The TLS sidecar's contract: what it takes, serves, counts and answers with. */
import { defineContract } from '#kit/contract/contract.ts';
import { tracingParameters } from '#kit/tracing/parameters.ts';
import { accessLines, accessLogParameters } from '#proxy/filters/access-log.ts';
import { applicationParameters, DAY, frontParameters } from '#proxy/front-parameters.ts';
import { spanMetrics } from '#proxy/tracing/metrics.ts';
import { alerts } from './alerts.ts';

const WORKERS_MAX = 64;

export const contract = defineContract({
  name: 'tls',
  version: '2.6.1',
  description:
    'HTTPS for a legacy service: terminates TLS in front of a plain port on localhost that knows nothing of it.',
  prefixes: ['TLS_', 'PROXY_'],
  accessLines,
  adminPort: '9901',
  deploy: {
    // TLS_MAX_CONNECTIONS of some 47 KB each, and what it takes without any.
    memory: '640m',
    volumes: { state: '/var/lib/tls' },
    appPort: 'PROXY_PORT',
    example: { PROXY_PORT: '8080' },
  },
  parameters: {
    ...applicationParameters,
    PROXY_HTTP_VERSION: {
      type: 'enum',
      values: ['1.1', '2'],
      default: '1.1',
      description:
        'HTTP version spoken to the application: 1.1, or 2 in the clear (h2c with prior knowledge), as gRPC servers expect',
    },
    TLS_MODE: {
      type: 'enum',
      values: ['http', 'tcp'],
      default: 'http',
      description: 'What is spoken inside TLS: HTTP, whose requests are checked and told who called, or any protocol',
    },
    TLS_LISTEN_ADDRESS: {
      type: 'string',
      default: '0.0.0.0',
      pattern: /^[0-9a-fA-F.:]+$/,
      accepts: 'an IP address',
      description: 'Address to listen on',
    },
    TLS_LISTEN_PORT: { type: 'port', default: '8443', description: 'Port for TLS' },
    TLS_REDIRECT_PORT: { type: 'port', description: 'Port of a plain HTTP listener that redirects to HTTPS' },
    TLS_PUBLIC_PORT: {
      type: 'port',
      default: '443',
      description: 'Port of TLS as clients see it: for redirects and X-Forwarded-Port when a request names none',
    },
    TLS_HSTS_MAX_AGE: {
      type: 'duration',
      unit: 's',
      default: '0',
      description: 'Adds Strict-Transport-Security with this age to every response; 0 adds none',
    },

    TLS_CERT_DIR: {
      type: 'path',
      description:
        'Directory of certificates: NAME.crt with NAME.key (as Kubernetes mounts them), or fullchain.pem with privkey.pem in a directory a name; watched',
    },
    TLS_CERT_NAME: {
      type: 'string',
      default: 'tls',
      pattern: /^[\w.-]+$/,
      accepts: 'a file or directory name without suffix',
      description: 'The certificate for clients that name no server, or an unknown one',
    },
    TLS_UNKNOWN_NAME: {
      type: 'enum',
      values: ['default', 'refuse'],
      default: 'default',
      description: 'What a client gets that names an unknown server',
    },
    TLS_STATE_DIR: {
      type: 'path',
      default: '/var/lib/tls',
      description: 'Where the development CA is kept when no TLS_CERT_DIR is given',
    },
    TLS_DEV_NAMES: {
      type: 'list',
      default: 'localhost,127.0.0.1,::1',
      pattern: /^[\w.*:-]+$/,
      accepts: 'a comma-separated list of DNS names and IP addresses',
      description: 'Names in the development certificate',
    },
    TLS_MIN_VERSION: {
      type: 'enum',
      values: ['1.2', '1.3'],
      default: '1.2',
      description: 'Oldest TLS version that is spoken',
    },

    TLS_CLIENT_CA: {
      type: 'path',
      description: 'CA file for client certificates; when set, clients must show one (mTLS); watched',
    },
    TLS_CLIENT_CRL: {
      type: 'path',
      description:
        'Certificate revocation lists in PEM, one for each CA of TLS_CLIENT_CA; who is on one, or whose CA has none that is current, is refused',
    },
    TLS_CLIENT_ALLOW_CN: {
      type: 'list',
      description: 'Allowed common names, * matches any run of characters; empty lists allow every verified client',
    },
    TLS_CLIENT_ALLOW_DNS: { type: 'list', description: 'Allowed DNS names (SAN), a leading *. matches one label' },
    TLS_CLIENT_ALLOW_URI: {
      type: 'list',
      description: 'Allowed URIs (SAN), such as spiffe://domain/path, * matches within a path segment, ** across them',
    },

    TLS_HANDSHAKE_TIMEOUT: {
      type: 'duration',
      unit: 's',
      default: '10s',
      max: DAY,
      min: 100,
      description: 'How long a handshake may take',
    },
    ...frontParameters('TLS_', { maxConnections: '7000', maxHeaderSize: '16KiB' }),
    ...accessLogParameters,
    ...tracingParameters,
    TLS_PROXY_PROTOCOL: {
      type: 'boolean',
      default: 'false',
      description: 'In tcp mode, begin each connection to the application with a PROXY protocol v2 header',
    },
    WORKERS: {
      type: 'integer',
      default: '1',
      min: 1,
      max: WORKERS_MAX,
      description: 'Processes that share the listening ports',
    },
  },
  ports: {
    https: { parameter: 'TLS_LISTEN_PORT', description: 'TLS, for clients' },
    redirect: { parameter: 'TLS_REDIRECT_PORT', description: 'plain HTTP, answered with a redirect' },
  },
  endpoints: {
    '/startupz':
      'listening with a valid certificate, whether or not the application is up: 200 or 503; for the health check of a container that starts before its application',
    '/ca.crt': 'the development CA, for clients to trust; 404 with certificates of your own',
  },
  paths: {
    TLS_CERT_DIR:
      'certificates and keys, read and watched; an OCSP response (DER) to staple lies beside its certificate, as NAME.ocsp or fullchain.ocsp',
    TLS_CLIENT_CA: 'read and watched',
    TLS_CLIENT_CRL: 'read and watched',
    TLS_STATE_DIR: 'ca.crt for clients to trust; the keys beside it are readable by the sidecar alone',
  },
  signals: { SIGHUP: 'looks at certificates, client CA, revocation lists and OCSP responses at once' },
  alerts,
  metrics: {
    tls_connections_open: { type: 'gauge', help: 'Client connections open now', bad: 'near TLS_MAX_CONNECTIONS' },
    tls_connections_total: {
      type: 'counter',
      help: 'Client connections that ended their handshake',
      bad: 'nothing by itself',
      labels: ['protocol'],
    },
    tls_handshake_errors_total: {
      type: 'counter',
      help: 'Handshakes that failed',
      bad: 'a sudden rise: a certificate or a version that clients do not take',
      labels: ['reason'],
    },
    tls_connections_refused_total: {
      type: 'counter',
      help: 'Connections closed before a handshake or a request',
      bad: 'any rate that lasts: a limit is reached',
      labels: ['reason'],
    },
    tls_requests_total: {
      type: 'counter',
      help: 'HTTP responses by status class',
      bad: 'more than 5 % with 5xx',
      labels: ['code'],
    },
    tls_requests_rejected_total: {
      type: 'counter',
      help: 'HTTP requests refused without asking the application',
      bad: 'a sudden rise of one reason: an attack, or a broken client',
      labels: ['reason'],
    },
    tls_requests_in_flight: {
      type: 'gauge',
      help: 'HTTP requests begun and not ended',
      bad: 'a rise that does not end: the application is slow',
    },
    tls_upstream_errors_total: {
      type: 'counter',
      help: 'Failures of the application',
      bad: 'more than 5 % of the requests',
      labels: ['reason'],
    },
    tls_request_duration_seconds: {
      type: 'histogram',
      help: 'From the head of a request to the end of its response, in seconds; code is the status class, or none',
      bad: 'p99 much above that of the application; codes 5xx and none',
      labels: ['method', 'code'],
    },
    ...spanMetrics('tls'),
    tls_internal_errors_total: {
      type: 'counter',
      help: 'Exceptions that ended a request or a connection: defects',
      bad: 'any: a defect',
    },
    tls_app_up: { type: 'gauge', help: '1 while the application accepts connections', bad: '0', aggregator: 'max' },
    tls_certificate_not_after_seconds: {
      type: 'gauge',
      help: 'End of the validity of a certificate in use, since the epoch',
      bad: 'less than seven days ahead',
      labels: ['name'],
      aggregator: 'min',
    },
    tls_state_damaged_total: {
      type: 'counter',
      help: 'Files of TLS_STATE_DIR that could not be used at a start and were set aside',
      bad: 'any: the development CA is a new one, which nobody trusts yet',
      labels: ['kind'],
      known: { kind: ['ca'] },
    },
    tls_certificate_reloads_total: {
      type: 'counter',
      help: 'Looks at changed certificate files',
      bad: 'refused: the files of before are in use',
      labels: ['result'],
      aggregator: 'max',
    },
  },
});

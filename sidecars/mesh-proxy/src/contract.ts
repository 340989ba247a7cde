/** The mesh proxy's contract: what it takes, serves, counts and answers with. */
import { defineContract } from '#kit/contract/contract.ts';
import { tracingParameters } from '#kit/tracing/parameters.ts';
import { alerts } from './alerts.ts';
import { CONTROL_PLANE_PARAMETERS } from './identity/parameters.ts';
import { accessLines } from './telemetry/access-lines.ts';
import { meshMetrics } from './telemetry/metrics.ts';

/** A bound in milliseconds that Node's timers can count to. */
const DAY = 86_400_000;

export const contract = defineContract({
  name: 'mesh-proxy',
  version: '0.13.0',
  description:
    'A mesh for a legacy service: takes over all its connections, speaks mTLS with the other proxies, routes, retries, limits and explains.',
  prefixes: ['MESH_'],
  accessLines,
  adminPort: '15000',
  deploy: { memory: '320m' },
  // Connections of this user alone are not redirected: see mesh-init.
  user: '1337:1337',
  parameters: {
    MESH_CONFIG: {
      type: 'path',
      description: 'File with the configuration as JSON, watched: a mesh without a control plane',
    },
    MESH_IDENTITY_DIR: {
      type: 'path',
      description: 'Directory with tls.key, tls.crt (a SPIFFE id in it) and ca.crt, watched; goes with MESH_CONFIG',
    },
    ...CONTROL_PLANE_PARAMETERS,
    MESH_LABELS: {
      type: 'list',
      pattern: /^[\w./-]+=[\w.-]*$/,
      accepts: 'a comma-separated list of NAME=VALUE',
      description: 'Labels of this replica; version is that of metrics, too',
    },
    MESH_LISTEN_ADDRESS: {
      type: 'string',
      default: '0.0.0.0',
      pattern: /^[0-9a-fA-F.:]+$/,
      accepts: 'an IP address',
      description: 'Address to listen on; :: for IPv6 as well',
    },
    MESH_OUTBOUND_PORT: {
      type: 'port',
      default: '15001',
      description: 'Port that outbound connections are redirected to',
    },
    MESH_INBOUND_PORT: {
      type: 'port',
      default: '15006',
      description: 'Port that inbound connections are redirected to',
    },
    MESH_DNS_PORT: {
      type: 'port',
      description:
        "Port of DNS on loopback, for UDP and TCP: answers the configuration's names, and asks the pod's resolver for others",
    },
    MESH_METRICS_PORT: {
      type: 'port',
      default: '15020',
      description: 'Port of /metrics, and of POST /quitquitquit for the pod itself',
    },
    MESH_HEALTH_PORT: { type: 'port', default: '15021', description: 'Port of /readyz, for probes from outside' },
    MESH_TAP_PORT: {
      type: 'port',
      description:
        'Port of GET /tap: a live stream of requests over mTLS, for the identities that the configuration names',
    },
    MESH_CONNECT_TIMEOUT: {
      type: 'duration',
      unit: 's',
      default: '5s',
      min: 10,
      max: DAY,
      description: 'How long an endpoint may take to accept a connection, where its cluster does not say',
    },
    MESH_HEADER_TIMEOUT: {
      type: 'duration',
      unit: 's',
      default: '60s',
      min: 100,
      max: DAY,
      description: 'How long a request head may take from its first byte',
    },
    MESH_IDLE_TIMEOUT: {
      type: 'duration',
      unit: 's',
      default: '1h',
      min: 1000,
      max: DAY,
      description: 'How long a connection may be silent: between requests, within a body, or within a tunnel',
    },
    MESH_MAX_HEADER_SIZE: {
      type: 'size',
      unit: 'bytes',
      default: '60KiB',
      min: 1024,
      max: 1024 * 1024,
      description: 'Largest request or response head',
    },
    MESH_MAX_CONNECTIONS: {
      type: 'integer',
      default: '2000',
      min: 1,
      max: 1_000_000,
      description: 'Most connections of each direction, those that others carry among them; further ones are closed',
    },
    MESH_ACCESS_LOG: {
      type: 'boolean',
      default: 'true',
      description: 'Writes each request and connection to the log, unless the configuration says otherwise',
    },
    ...tracingParameters,
    OTEL_EXPORTER_OTLP_PROTOCOL: { ...tracingParameters.OTEL_EXPORTER_OTLP_PROTOCOL, default: 'http/json' },
  },
  ports: {
    outbound: { parameter: 'MESH_OUTBOUND_PORT', description: "the application's connections, redirected" },
    inbound: { parameter: 'MESH_INBOUND_PORT', description: 'connections to the application, redirected' },
    dns: { parameter: 'MESH_DNS_PORT', description: "the application's DNS questions, redirected" },
    metrics: { parameter: 'MESH_METRICS_PORT', description: 'metrics; quitquitquit on loopback' },
    tap: { parameter: 'MESH_TAP_PORT', description: 'requests as they happen' },
    health: { parameter: 'MESH_HEALTH_PORT', description: 'readiness' },
  },
  endpoints: {
    '/config_dump': 'the configuration in use, as JSON',
    '/clusters': 'clusters and their endpoints: what is under way, latencies, ejections, as JSON',
    '/requests':
      'the last requests and connections of each caller and called, and their last failures, with causes, as JSON; queries of paths are shown to the pod itself alone',
    '/certs': 'the own identity and when it ends, as JSON',
  },
  paths: {
    MESH_CONFIG: 'the configuration, read and watched',
    MESH_ROOT_CERTIFICATE: 'read whenever the control plane is asked for a certificate or a lease',
    MESH_IDENTITY_DIR: 'key, certificate and authority, read and watched',
  },
  alerts,
  metrics: meshMetrics,
});

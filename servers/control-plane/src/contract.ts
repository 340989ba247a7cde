/** What the control plane takes, serves and counts. */
import { defineContract } from '#kit/contract/contract.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

export const contract = defineContract({
  name: 'control-plane',
  version: '1.9.1',
  description:
    'Tells the proxies of a mesh who is where and what to do, and who they are: xDS, registration, certificates.',
  prefixes: ['CONTROL_'],
  adminPort: '9980',
  parameters: {
    CONTROL_ADDRESS: {
      type: 'string',
      default: '0.0.0.0',
      pattern: /^[0-9a-fA-F.:]+$/,
      accepts: 'an IP address',
      description: 'Address to listen on',
    },
    CONTROL_XDS_PORT: {
      type: 'port',
      default: '15010',
      description: 'Port of xDS in the clear, for gRPC applications',
    },
    CONTROL_MTLS_PORT: { type: 'port', default: '15012', description: 'Port of xDS over mTLS, for proxies' },
    CONTROL_ENROLMENT_PORT: {
      type: 'port',
      default: '15013',
      description: 'Port where proxies register and get certificates, over TLS',
    },
    CONTROL_API_PORT: { type: 'port', default: '8080', description: 'Port of the interface for people and pages' },
    CONTROL_TRUST_DOMAIN: {
      type: 'string',
      default: 'mesh.local',
      pattern: /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/,
      accepts: 'a DNS name in small letters',
      description: 'Trust domain of all identities',
    },
    CONTROL_NAMESPACE: {
      type: 'string',
      required: true,
      pattern: /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/,
      accepts: 'small letters, digits and hyphens',
      description: 'The project: the namespace of all identities',
    },
    CONTROL_NAMES: {
      type: 'list',
      default: 'control-plane,localhost',
      pattern: /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/,
      accepts: 'a comma-separated list of DNS names',
      description: 'Names under which proxies reach it, for its certificate',
    },
    CONTROL_POLICY: {
      type: 'path',
      default: '/policy/policy.yaml',
      description: 'The policy file; its directory is watched',
    },
    CONTROL_TOKENS: {
      type: 'path',
      required: true,
      description: 'File of join tokens, a line each: NAME SERVICE[,SERVICE] TOKEN; * stands for every service',
    },
    CONTROL_OPERATOR_TOKEN: {
      type: 'string',
      required: true,
      secret: true,
      pattern: /^[^\s]{16,512}$/,
      accepts: 'at least 16 characters without blanks',
      description: 'Who has it may change splits',
    },
    CONTROL_DATA: {
      type: 'path',
      default: '/var/lib/control-plane',
      description: "Directory of the authority's keys and of what was registered; a volume",
    },
    CONTROL_TRUST: {
      type: 'path',
      default: '/trust',
      description: 'Directory where root.crt is published for proxies; a volume that they mount read-only',
    },
    CONTROL_LEASE: {
      type: 'duration',
      unit: 's',
      default: '10s',
      min: 1000,
      max: HOUR,
      description: 'How long a replica counts as there after it was last heard of',
    },
    CONTROL_MAX_REPLICAS: {
      type: 'integer',
      default: '5000',
      min: 1,
      max: 1_000_000,
      description: 'Most replicas that may be registered',
    },
    CONTROL_MAX_REPLICAS_PER_SERVICE: {
      type: 'integer',
      default: '1000',
      min: 1,
      max: 1_000_000,
      description: 'Most replicas of one service',
    },
    CONTROL_MAX_REPLICAS_PER_ADDRESS: {
      type: 'integer',
      default: '2000',
      min: 1,
      max: 1_000_000,
      description: 'Most replicas that may be registered from one address: proxies behind one NAT share theirs',
    },
    CONTROL_MAX_PROXY_STREAMS: {
      type: 'integer',
      default: '0',
      min: 0,
      max: 2_000_000,
      description: 'Most xDS streams of proxies, over mTLS; 0 for one for each of CONTROL_MAX_REPLICAS, and 1000 more',
    },
    CONTROL_MAX_APPLICATION_STREAMS: {
      type: 'integer',
      default: '1000',
      min: 0,
      max: 1_000_000,
      description: 'Most xDS streams in the clear, of gRPC applications and Envoys; they take no room of the proxies',
    },
    CONTROL_PROBE_INTERVAL: {
      type: 'duration',
      unit: 's',
      default: '5s',
      min: 0,
      max: HOUR,
      description: 'Pause between two probes of all replicas; 0 for none',
    },
    CONTROL_PROBE_PORT: { type: 'port', default: '15021', description: "Port of proxies' /readyz" },
    CONTROL_LEAF_LIFETIME: {
      type: 'duration',
      unit: 's',
      default: '24h',
      min: 10_000,
      max: 30 * DAY,
      description: 'How long certificates of proxies last',
    },
  },
  ports: {
    xds: { parameter: 'CONTROL_XDS_PORT', description: 'xDS in the clear' },
    mtls: { parameter: 'CONTROL_MTLS_PORT', description: 'xDS over mTLS' },
    enrolment: { parameter: 'CONTROL_ENROLMENT_PORT', description: 'registration and certificates' },
    api: { parameter: 'CONTROL_API_PORT', description: 'the interface for people and pages' },
  },
  paths: {
    CONTROL_POLICY: 'read whenever it changes',
    CONTROL_TOKENS: 'read at start',
    CONTROL_DATA: "the authority's keys, registrations, changed splits, and the last good policy",
    CONTROL_TRUST: 'root.crt is published here',
  },
  metrics: {
    control_plane_answers_total: {
      type: 'counter',
      help: 'Configurations that clients took (ack) or refused (nack)',
      bad: 'any nack: a proxy goes on with the configuration of before',
      labels: ['answer', 'type'],
    },
    control_plane_certificates_total: {
      type: 'counter',
      help: 'Certificates issued to proxies',
      bad: 'no rise for longer than a certificate is valid',
    },
    control_plane_clients: { type: 'gauge', help: 'xDS streams open now', bad: 'fewer than proxies that run' },
    control_plane_failures_total: {
      type: 'counter',
      help: 'Publications, services, streams of clients, looks at the policy and the like that failed, and ended alone',
      bad: 'any: a defect, or a resource that is missing',
      labels: ['unit'],
      known: {
        unit: ['publication', 'service', 'report', 'stream', 'status', 'policy', 'probe', 'state', 'authority'],
      },
    },
    control_plane_policy_refusals_total: {
      type: 'counter',
      help: 'Policy files that were refused',
      bad: 'any: the policy of before is in effect',
    },
    control_plane_pushes_total: {
      type: 'counter',
      help: 'xDS responses sent',
      bad: 'a high rate while nothing changes',
      labels: ['type'],
    },
    control_plane_refusals_total: {
      type: 'counter',
      help: 'Registrations, requests for certificates and streams that were refused',
      bad: 'a rise: wrong tokens, or replicas beyond a limit',
      labels: ['reason'],
    },
    control_plane_replicas: {
      type: 'gauge',
      help: 'Replicas by what they can do now',
      bad: 'unhealthy above 0',
      labels: ['health'],
    },
    control_plane_replicas_ended_total: {
      type: 'counter',
      help: 'Leases that ended',
      bad: 'lapsed: replicas vanish without a word',
      labels: ['reason'],
    },
  },
});

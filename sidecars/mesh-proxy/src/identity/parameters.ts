/** Parameters of a proxy that has a control plane. */
import type { Parameters } from '#kit/contract/parameters.ts';

export const CONTROL_PLANE_PARAMETERS = {
  MESH_CONTROL_PLANE: {
    type: 'string',
    pattern: /^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/,
    accepts: 'a host name',
    description: 'Host of the control plane, as its certificate names it; instead of MESH_CONFIG and MESH_IDENTITY_DIR',
  },
  MESH_XDS_PORT: { type: 'port', default: '15012', description: "Port of the control plane's xDS over mTLS" },
  MESH_ENROLMENT_PORT: {
    type: 'port',
    default: '15013',
    description: 'Port where the control plane registers replicas and signs certificates',
  },
  MESH_SERVICE: {
    type: 'string',
    pattern: /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/,
    accepts: 'small letters, digits and hyphens',
    description: 'Service that this is a replica of; required with MESH_CONTROL_PLANE',
  },
  MESH_REPLICA: {
    type: 'string',
    pattern: /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/,
    accepts: 'letters, digits, dots, hyphens and underscores',
    description: "Name of this replica, unique in its service; absent: the pod's host name",
  },
  MESH_PORTS: {
    type: 'list',
    pattern: /^\d{1,5}:(auto|http|grpc|tcp)$/,
    accepts: 'a comma-separated list of PORT:PROTOCOL; protocols are auto, http, grpc, tcp',
    description: "Ports of the application, where the control plane's policy names none",
  },
  MESH_JOIN_TOKEN: {
    type: 'string',
    secret: true,
    pattern: /^[^\s]{16,512}$/,
    accepts: 'at least 16 characters without blanks',
    description: 'Lets the proxy join as its service; required with MESH_CONTROL_PLANE',
  },
  MESH_ROOT_CERTIFICATE: {
    type: 'path',
    default: '/trust/root.crt',
    description: "File with the root certificate that the control plane's stems from",
  },
  MESH_STATE_DIR: {
    type: 'path',
    description:
      'Directory of its own, where key, certificate and last configuration are kept, so that a restart while the control plane is away is no outage; absent: nothing is kept',
  },
} as const satisfies Parameters;

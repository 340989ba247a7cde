/** The mesh init container's contract. */
import { defineContract } from '#kit/contract/contract.ts';

const PORT_OR_RANGE = /^\d{1,5}(-\d{1,5})?$/;
const CIDR = /^[0-9a-fA-F.:]+(\/\d{1,3})?$/;

export const contract = defineContract({
  name: 'mesh-init',
  version: '0.4.0',
  description: "Redirects a pod's connections to its mesh proxy by one nftables table of its own, and ends.",
  prefixes: ['MESH_'],
  adminPort: '15004',
  // nftables are root's, and the capability NET_ADMIN's.
  user: '0:0',
  parameters: {
    MESH_ACTION: {
      type: 'enum',
      values: ['apply', 'remove', 'print'],
      default: 'apply',
      description: 'Loads the rules in place of former ones, removes them, or only writes them to the standard output',
    },
    MESH_OUTBOUND_PORT: { type: 'port', default: '15001', description: "The proxy's port for outbound connections" },
    MESH_INBOUND_PORT: { type: 'port', default: '15006', description: "The proxy's port for inbound connections" },
    MESH_DNS_PORT: {
      type: 'port',
      description:
        "The proxy's port for DNS; when set, questions to the pod's resolvers (those of /etc/resolv.conf, Docker's 127.0.0.11 among them) go there",
    },
    MESH_PROXY_UID: {
      type: 'integer',
      default: '1337',
      min: 1,
      max: 4_294_967_294,
      description: 'User whose connections are not redirected: the proxy itself',
    },
    MESH_EXCLUDE_OUTBOUND_PORTS: {
      type: 'list',
      pattern: PORT_OR_RANGE,
      accepts: 'a comma-separated list of ports and ranges such as 8000-8010',
      description: 'Ports that the application reaches directly',
    },
    MESH_EXCLUDE_OUTBOUND_CIDRS: {
      type: 'list',
      pattern: CIDR,
      accepts: 'a comma-separated list of addresses and networks such as 10.0.0.0/8',
      description: 'Networks that the application reaches directly',
    },
    MESH_EXCLUDE_INBOUND_PORTS: {
      type: 'list',
      pattern: PORT_OR_RANGE,
      accepts: 'a comma-separated list of ports and ranges such as 8000-8010',
      default: '15000-15099',
      description: "Ports that others reach directly: the proxy's own among them",
    },
    MESH_IPV6: {
      type: 'boolean',
      default: 'false',
      description: 'Redirects IPv6 as well: the proxy must listen on ::',
    },
  },
  ports: {},
  metrics: {},
});

/** Listeners (LDS): what the application calls, and what reaches it. */
import type {
  Inbound,
  InboundPort,
  MtlsMode,
  Outbound,
  OutboundListener,
  PortProtocol,
  Telemetry,
} from '../../model/configuration.ts';
import type { Read } from '../wire/protobuf.ts';
import { DnsFilter, HttpConnectionManager, HttpRbac, TcpProxy, type Listener } from '../wire/schema.ts';
import { authorization } from './authorization.ts';
import { defined, headerEdits, isOf, metadata, rateLimit, ResourceRefused, unpack, unwrap } from './common.ts';

type ListenerMessage = Read<typeof Listener>;
type Chain = ListenerMessage['filter_chains'][number];
type Manager = Read<typeof HttpConnectionManager>;

/** A listener for destinations of one port; its routes come by name. */
export interface PortPart {
  readonly listener: Omit<OutboundListener, 'virtualHosts'>;
  readonly routes: string | undefined;
}

export type ListenerPart =
  | { readonly kind: 'ports'; readonly ports: readonly PortPart[] }
  | { readonly kind: 'catch-all'; readonly unknown: Outbound['unknown']; readonly telemetry: Telemetry }
  | { readonly kind: 'inbound'; readonly inbound: Inbound }
  | { readonly kind: 'names'; readonly names: Readonly<Record<string, readonly string[]>> };

const MANAGER = 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
const TCP_PROXY = 'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy';
const RBAC = 'envoy.extensions.filters.http.rbac.v3.RBAC';
const RATE_LIMIT = 'envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit';
const DNS = 'envoy.extensions.filters.udp.dns_filter.v3.DnsFilterConfig';

/** @throws {ResourceRefused} */
export function listenerPart(listener: ListenerMessage): ListenerPart {
  const { name = '' } = listener;
  if (name === 'inbound') return { kind: 'inbound', inbound: inbound(listener) };
  if (name === 'outbound') return catchAll(listener);
  const dns = listener.listener_filters.find(({ typed_config }) => isOf(typed_config, DNS));
  return dns ? names(unpack(dns.typed_config, DNS, DnsFilter)) : { kind: 'ports', ports: ports(listener) };
}

function catchAll({ default_filter_chain: chain, metadata: own }: ListenerMessage): ListenerPart {
  const cluster = chain && tcpOf(chain);
  const { accessLog, tracing, tap } = metadata(own) as {
    accessLog?: boolean;
    tracing?: Telemetry['tracing'];
    tap?: string[];
  };
  return {
    kind: 'catch-all',
    unknown: cluster === 'BlackHoleCluster' ? 'REGISTRY_ONLY' : 'ALLOW_ANY',
    telemetry: defined({ accessLog, tracing, tap: tap && { identities: tap } }),
  };
}

function names({ server_config }: Read<typeof DnsFilter>): ListenerPart {
  const domains = server_config?.inline_dns_table?.virtual_domains ?? [];
  const entries = domains.map(({ name = '', endpoint }) => [name.toLowerCase(), endpoint?.address_list?.address ?? []]);
  return { kind: 'names', names: Object.fromEntries(entries) as Record<string, readonly string[]> };
}

/** Chains of the same addresses are one listener: one for HTTP, one for what is not. */
function ports({ name = '', address, filter_chains }: ListenerMessage): PortPart[] {
  const port = address?.socket_address?.port_value ?? 0;
  const groups = Map.groupBy(filter_chains, (chain) => JSON.stringify(addressesOf(chain)));
  return [...groups.values()].map((chains, index) => {
    const manager = chains.map(managerOf).find((each) => each !== undefined);
    const cluster = chains.map(tcpOf).find((each) => each !== undefined);
    const addresses = addressesOf(chains[0]!);
    if (!manager && cluster === undefined)
      throw new ResourceRefused(`listener ${name} has a chain that does nothing known here`);
    return {
      routes: manager?.rds?.route_config_name,
      listener: {
        name: addresses.length === 0 ? name : `${name}|${chains.at(-1)?.name ?? index}`,
        port,
        protocol: manager ? (cluster === undefined ? 'http' : 'auto') : 'tcp',
        ...defined({
          addresses: addresses.length > 0 ? addresses : undefined,
          tcp: cluster === undefined ? undefined : [{ cluster, weight: 1 }],
        }),
      },
    };
  });
}

const addressesOf = ({ filter_chain_match: match }: Chain): string[] =>
  (match?.prefix_ranges ?? []).flatMap(({ address_prefix }) => address_prefix ?? []);

function managerOf({ filters }: Chain): Manager | undefined {
  const found = filters.find(({ typed_config }) => isOf(typed_config, MANAGER));
  return found && unpack(found.typed_config, MANAGER, HttpConnectionManager);
}

function tcpOf({ filters }: Chain): string | undefined {
  const found = filters.find(({ typed_config }) => isOf(typed_config, TCP_PROXY));
  return found && unpack(found.typed_config, TCP_PROXY, TcpProxy).cluster;
}

function inbound({ filter_chains }: ListenerMessage): Inbound {
  const groups = Map.groupBy(filter_chains, ({ filter_chain_match: match }) => unwrap(match?.destination_port));
  const rest = groups.get(undefined);
  if (!rest) throw new ResourceRefused('the inbound listener has no chain for other ports');
  const mtls = modeOf(rest);
  const rules = rest.map(managerOf).find((each) => each !== undefined);
  const filters = (rules?.http_filters ?? []).filter(({ typed_config }) => isOf(typed_config, RBAC));
  const parts = [...groups].flatMap(([port, chains]) => (port === undefined ? [] : inboundPort(port, chains, mtls)));
  return {
    mtls,
    ...defined({
      authorization: authorization(filters.map(({ typed_config }) => unpack(typed_config, RBAC, HttpRbac))),
      ports: parts.length > 0 ? parts : undefined,
    }),
  };
}

function inboundPort(port: number, chains: readonly Chain[], otherwise: MtlsMode): InboundPort {
  const manager = chains.map(managerOf).find((each) => each !== undefined);
  const routes = manager?.route_config;
  const limit = manager?.http_filters.find(({ typed_config }) => isOf(typed_config, RATE_LIMIT));
  const raw = chains.some((chain) => tcpOf(chain) !== undefined);
  const protocol: PortProtocol = manager ? (raw ? 'auto' : 'http') : 'tcp';
  const mtls = modeOf(chains);
  return {
    port,
    protocol,
    ...defined({
      mtls: mtls === otherwise ? undefined : mtls,
      rateLimit: limit && rateLimit(limit.typed_config),
      requestHeaders: routes && headerEdits(routes.request_headers_to_add, routes.request_headers_to_remove),
      responseHeaders: routes && headerEdits(routes.response_headers_to_add, routes.response_headers_to_remove),
    }),
  };
}

/** By the chains that there are: for TLS of the mesh, for what comes in the clear, or for both. */
function modeOf(chains: readonly Chain[]): MtlsMode {
  const secure = chains.some(({ transport_socket }) => transport_socket !== undefined);
  const clear = chains.some(({ transport_socket }) => transport_socket === undefined);
  return secure ? (clear ? 'PERMISSIVE' : 'STRICT') : 'DISABLE';
}

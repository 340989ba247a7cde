/**
 * The nftables rules of a pod: one table of our own, so that nothing of Docker's is touched and all of it is removed
 * at once. nat chains see only the first packet of a connection.
 */
import type { Values } from '#kit/contract/parameters.ts';
import type { contract } from './contract.ts';

export const TABLE = 'inet sidecar_stacks_mesh';
/**
 * Before Docker's chains, at -100: those send 127.0.0.11's DNS to the engine, and what is redirected once is not
 * redirected again.
 */
const PRIORITY = -110;
/**
 * Before anything is redirected: a neighbour's packet for 127.0.0.1, which the kernel itself drops only where it still
 * has that destination when it is routed.
 */
const RAW = -300;

export type RuleParameters = Pick<
  Values<typeof contract.parameters>,
  | 'MESH_OUTBOUND_PORT'
  | 'MESH_INBOUND_PORT'
  | 'MESH_DNS_PORT'
  | 'MESH_PROXY_UID'
  | 'MESH_EXCLUDE_OUTBOUND_PORTS'
  | 'MESH_EXCLUDE_OUTBOUND_CIDRS'
  | 'MESH_EXCLUDE_INBOUND_PORTS'
  | 'MESH_IPV6'
>;

/** Removes the table, if it is there. */
export const REMOVE = `table ${TABLE}\ndelete table ${TABLE}\n`;

/**
 * For `nft -f`: the table in place of a former one, in one step.
 * @param resolvers the pod's own: what the application asks them goes to the proxy. What goes to others stays: among
 *   it is what the engine's resolver asks on the pod's behalf, from within the pod's network, which would come back to
 *   the proxy for ever
 */
export function rulesOf(parameters: RuleParameters, resolvers: readonly string[]): string {
  const family = parameters.MESH_IPV6 ? [] : ['meta nfproto != ipv4 return'];
  const outbound = [
    ...family,
    // The proxy's own connections leave as they are; so would those of other processes of its user.
    `meta skuid ${parameters.MESH_PROXY_UID} return`,
    ...(parameters.MESH_DNS_PORT === undefined ? [] : dnsRules(resolvers, parameters.MESH_DNS_PORT)),
    // The pod's own: 127.0.0.1, and its own address.
    'oifname "lo" return',
    // Redirected to loopback their zone would be lost, and the connection with it.
    ...(parameters.MESH_IPV6 ? ['ip6 daddr fe80::/10 return'] : []),
    ...cidrRules(parameters.MESH_EXCLUDE_OUTBOUND_CIDRS ?? []),
    ...portRule(parameters.MESH_EXCLUDE_OUTBOUND_PORTS ?? []),
    `meta l4proto tcp redirect to :${parameters.MESH_OUTBOUND_PORT}`,
  ];
  const inbound = [
    ...family,
    'iifname "lo" return',
    ...portRule(parameters.MESH_EXCLUDE_INBOUND_PORTS),
    // What others send through the pod to somewhere else is not the pod's to take.
    `fib daddr type local meta l4proto tcp redirect to :${parameters.MESH_INBOUND_PORT}`,
  ];
  return `${REMOVE}table ${TABLE} {
${chain('guard', `filter hook prerouting priority ${RAW}`, ['iifname != "lo" ip daddr 127.0.0.0/8 drop'])}
${chain('outbound', `nat hook output priority ${PRIORITY}`, outbound)}
${chain('inbound', `nat hook prerouting priority ${PRIORITY}`, inbound)}
}
`;
}

function chain(name: string, type: string, rules: readonly string[]): string {
  const lines = [`type ${type}; policy accept;`, ...rules];
  return `\tchain ${name} {\n${lines.map((line) => `\t\t${line}`).join('\n')}\n\t}`;
}

function portRule(ports: readonly string[]): string[] {
  return ports.length === 0 ? [] : [`tcp dport { ${ports.join(', ')} } return`];
}

/** As Istio's capture does: what is asked of the resolvers of /etc/resolv.conf. */
const dnsRules = (resolvers: readonly string[], port: number): string[] =>
  matches(resolvers).map((match) => `${match} meta l4proto { tcp, udp } th dport 53 redirect to :${port}`);

const cidrRules = (cidrs: readonly string[]): string[] => matches(cidrs).map((match) => `${match} return`);

/** By family, since a set holds one alone. */
function matches(destinations: readonly string[]): string[] {
  const isIPv6 = (each: string): boolean => each.includes(':');
  const v4 = destinations.filter((each) => !isIPv6(each));
  const v6 = destinations.filter(isIPv6);
  return [
    ...(v4.length === 0 ? [] : [`ip daddr { ${v4.join(', ')} }`]),
    ...(v6.length === 0 ? [] : [`ip6 daddr { ${v6.join(', ')} }`]),
  ];
}

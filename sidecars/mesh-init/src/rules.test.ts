/** The rules, letter by letter. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readParameters } from '#kit/contract/parameters.ts';
import { contract } from './contract.ts';
import { rulesOf } from './rules.ts';

function rules(env: Readonly<Record<string, string>> = {}, resolvers = ['127.0.0.11']): string {
  return rulesOf(readParameters(contract.parameters, { env }).values, resolvers);
}

const golden = (outbound: readonly string[], inbound: readonly string[]): string =>
  [
    'table inet sidecar_stacks_mesh',
    'delete table inet sidecar_stacks_mesh',
    'table inet sidecar_stacks_mesh {',
    '\tchain guard {',
    '\t\ttype filter hook prerouting priority -300; policy accept;',
    '\t\tiifname != "lo" ip daddr 127.0.0.0/8 drop',
    '\t}',
    '\tchain outbound {',
    ...['type nat hook output priority -110; policy accept;', ...outbound].map((line) => `\t\t${line}`),
    '\t}',
    '\tchain inbound {',
    ...['type nat hook prerouting priority -110; policy accept;', ...inbound].map((line) => `\t\t${line}`),
    '\t}',
    '}',
    '',
  ].join('\n');

test('by default', () => {
  assert.is(
    rules(),
    golden(
      [
        'meta nfproto != ipv4 return',
        'meta skuid 1337 return',
        'oifname "lo" return',
        'meta l4proto tcp redirect to :15001',
      ],
      [
        'meta nfproto != ipv4 return',
        'iifname "lo" return',
        'tcp dport { 15000-15099 } return',
        'fib daddr type local meta l4proto tcp redirect to :15006',
      ],
    ),
  );
});

test('with everything', () => {
  assert.is(
    rules(
      {
        MESH_DNS_PORT: '15053',
        MESH_PROXY_UID: '2000',
        MESH_OUTBOUND_PORT: '16001',
        MESH_INBOUND_PORT: '16006',
        MESH_EXCLUDE_OUTBOUND_PORTS: '22,9000-9100',
        MESH_EXCLUDE_OUTBOUND_CIDRS: '10.0.0.0/8,fd00::/8,192.168.1.1',
        MESH_EXCLUDE_INBOUND_PORTS: '15000-15099,22',
        MESH_IPV6: 'true',
      },
      ['127.0.0.11', '10.1.2.3', 'fd00::53'],
    ),
    golden(
      [
        'meta skuid 2000 return',
        'ip daddr { 127.0.0.11, 10.1.2.3 } meta l4proto { tcp, udp } th dport 53 redirect to :15053',
        'ip6 daddr { fd00::53 } meta l4proto { tcp, udp } th dport 53 redirect to :15053',
        'oifname "lo" return',
        'ip6 daddr fe80::/10 return',
        'ip daddr { 10.0.0.0/8, 192.168.1.1 } return',
        'ip6 daddr { fd00::/8 } return',
        'tcp dport { 22, 9000-9100 } return',
        'meta l4proto tcp redirect to :16001',
      ],
      [
        'iifname "lo" return',
        'tcp dport { 15000-15099, 22 } return',
        'fib daddr type local meta l4proto tcp redirect to :16006',
      ],
    ),
  );
});

test('what could be a rule of its own is no parameter', () => {
  for (const [name, value] of [
    ['MESH_EXCLUDE_OUTBOUND_PORTS', '22 } accept'],
    ['MESH_EXCLUDE_OUTBOUND_CIDRS', '10.0.0.0/8 }; flush ruleset'],
    ['MESH_EXCLUDE_INBOUND_PORTS', '$x'],
  ] as const)
    assert.throws(() => rules({ [name]: value }), /accepted is/);
});

test.run();

/** What the kernel, or this container, lacks: asked for only when the rules were refused. */
import type { Nft } from './nft.ts';

/** Smallest rules that need one thing each, in the order in which they stand on one another. */
const NEEDS: readonly (readonly [rules: string, lacks: string])[] = [
  ['table inet sidecar_stacks_probe\ndelete table inet sidecar_stacks_probe\n', 'nf_tables (CONFIG_NF_TABLES_INET)'],
  [probe('type nat hook output priority -110;'), 'nat chains of nf_tables (CONFIG_NFT_NAT, module nft_chain_nat)'],
  [probe('type nat hook output priority -110; meta skuid 1337 return'), 'matching by user (module nft_meta)'],
  [probe('type nat hook output priority -110; tcp dport { 1-2 } return'), 'sets of ports (module nf_tables_set)'],
  [
    probe('type nat hook output priority -110; meta l4proto tcp redirect to :15001'),
    'redirection (CONFIG_NFT_REDIR, module nft_redir)',
  ],
  [
    probe('type nat hook prerouting priority -110; fib daddr type local return'),
    'looking up addresses (CONFIG_NFT_FIB_INET, module nft_fib_inet)',
  ],
];

function probe(chain: string): string {
  return `table inet sidecar_stacks_probe {\n\tchain probe {\n\t\t${chain.replace('; ', ';\n\t\t')}\n\t}\n}\n`;
}

/** @returns sentences: what is missing, the first thing first */
export async function missing(nft: Nft): Promise<string[]> {
  const found: string[] = [];
  for (const [rules, lacks] of NEEDS) {
    const error = await nft(['--check'], rules);
    if (error === undefined) continue;
    if (/Operation not permitted/.test(error))
      return ['the capability NET_ADMIN is missing: cap_add: [NET_ADMIN], and user 0'];
    found.push(`the kernel lacks ${lacks}`);
  }
  return found;
}

/** The pod's own resolver, as resolv.conf(5) names it. */
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';

const DNS_PORT = 53;
/** What resolv.conf(5) supposes. */
const DEFAULT = '127.0.0.1';

export function ownResolver(path = '/etc/resolv.conf'): { readonly address: string; readonly port: number } {
  let text = '';
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    // Without the file the library's default stands, as for any program.
  }
  for (const [, address] of text.matchAll(/^[ \t]*nameserver[ \t]+(\S+)/gm))
    if (isIP(address!) !== 0) return { address: address!, port: DNS_PORT };
  return { address: DEFAULT, port: DNS_PORT };
}

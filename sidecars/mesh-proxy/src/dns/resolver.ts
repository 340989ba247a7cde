/** The pod's own resolver. */
import { nameservers } from '#kit/net/resolv-conf.ts';

const DNS_PORT = 53;

export function ownResolver(): { readonly address: string; readonly port: number } {
  return { address: nameservers()[0], port: DNS_PORT };
}

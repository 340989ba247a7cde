/** IP addresses in one spelling each, so that two texts of one address are equal. */
import { isIPv6 } from 'node:net';

const MAPPED = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/;

/**
 * The address as the kernel and RFC 5952 write it: in small letters and shortened; an IPv4 address that is mapped into
 * IPv6 (RFC 4291, section 2.5.5.2) as the IPv4 address that it is.
 * @param text an IP address; what is none, or has a zone (`fe80::1%eth0`), is returned as it is
 */
export function canonicalAddress(text: string): string {
  if (!isIPv6(text) || text.includes('%')) return text;
  const address = new URL(`http://[${text}]`).hostname.slice(1, -1);
  const mapped = MAPPED.exec(address);
  if (!mapped) return address;
  const [high = 0, low = 0] = mapped.slice(1).map((group) => parseInt(group, 16));
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

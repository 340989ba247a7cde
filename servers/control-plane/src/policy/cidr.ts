/** Ranges of addresses as people write them (RFC 4632, RFC 4291 section 2.3). */
import { isIP } from 'node:net';

export interface Cidr {
  readonly address: string;
  /** Bits that count. */
  readonly length: number;
}

/** An address, which is a range of one, or `10.0.0.0/8`. @returns undefined for anything else */
export function parseCidr(text: string): Cidr | undefined {
  const [address = '', length, ...more] = text.split('/');
  const version = isIP(address);
  if (version === 0 || more.length > 0 || address.includes('%')) return undefined;
  const most = version === 4 ? 32 : 128;
  if (length === undefined) return { address, length: most };
  return /^\d{1,3}$/.test(length) && Number(length) <= most ? { address, length: Number(length) } : undefined;
}

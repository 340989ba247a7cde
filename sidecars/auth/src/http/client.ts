/** Who called, by which scheme and host: as the connection tells, or as a proxy that is trusted says. */
import { BlockList, isIP } from 'node:net';
import type { FilteredExchange } from '#proxy/filters/filter.ts';
import { validHost } from '#proxy/http/host.ts';

export interface Client {
  /** IP address. */
  readonly address: string;
  readonly secure: boolean;
  /** Host with its port, where one was named. */
  readonly host: string;
  /** The connection is a trusted proxy's. */
  readonly trusted: boolean;
}

export class TrustedProxies {
  readonly #list = new BlockList();
  readonly any: boolean;

  /** @param entries addresses and networks @throws {RangeError} naming one that is none */
  constructor(entries: readonly string[]) {
    this.any = entries.length > 0;
    for (const entry of entries) {
      const [address = '', bits] = entry.split('/');
      const family = isIP(address);
      const width = family === 4 ? 32 : 128;
      if (family === 0 || Number(bits ?? width) > width) throw new RangeError(entry);
      this.#list.addSubnet(address, Number(bits ?? width), family === 4 ? 'ipv4' : 'ipv6');
    }
  }

  has(address: string): boolean {
    const family = isIP(address);
    return this.any && family !== 0 && this.#list.check(address, family === 4 ? 'ipv4' : 'ipv6');
  }

  /** The last address that is no proxy of ours: everything before it, and before what is no address, is hearsay. */
  #beforeProxies(peer: string, field: string): string {
    let address = peer;
    for (const hop of field.split(',').toReversed()) {
      const before = hopAddress(hop);
      if (before === '') return address;
      address = before;
      if (!this.has(address)) return address;
    }
    return address;
  }

  /** Who sent a request. */
  clientOf({ downstream, request }: Pick<FilteredExchange, 'downstream' | 'request'>): Client {
    const { remoteAddress: peer } = downstream;
    if (!this.has(peer)) return { address: peer, secure: downstream.secure, host: request.authority, trusted: false };
    const address = this.#beforeProxies(peer, request.get('x-forwarded-for') ?? '');
    const host = last(request.get('x-forwarded-host'));
    return {
      address,
      secure: last(request.get('x-forwarded-proto')) === 'https',
      host: validHost(host) ? host : request.authority,
      trusted: true,
    };
  }
}

/** An address of X-Forwarded-For, which some proxies write with a port or in brackets. @returns '' for what is none */
function hopAddress(hop: string): string {
  const text = hop.trim();
  const address = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(text)?.[1] ?? /^([\d.]+):\d{1,5}$/.exec(text)?.[1] ?? text;
  return isIP(address) === 0 ? '' : address;
}

const last = (value: string | undefined): string => value?.split(',').at(-1)!.trim().toLowerCase() ?? '';

/** What counts as one client: an IPv6 subscriber has a whole /64. */
export function clientKey(address: string): string {
  if (isIP(address) !== 6) return address;
  const [head = '', tail = ''] = address.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === '' ? [] : tail.split(':');
  const zeros = address.includes('::') ? Array.from({ length: 8 - before.length - after.length }, () => '0') : [];
  return [...before, ...zeros, ...after].slice(0, 4).join(':');
}

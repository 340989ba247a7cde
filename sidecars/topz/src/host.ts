/**
 * Whose page this is. A web site that has its own name resolve to this machine (DNS rebinding) is, to a
 * browser, the same site as this page, and could read it; the Host header still has the site's name.
 */
import { isIP } from 'node:net';

/**
 * May a request with this Host header be answered? Yes for literal addresses and localhost, which no
 * web site can be called, and for names that were configured.
 * @param header the Host header (RFC 9110, 7.2); empty where there was none, as no browser sends it
 * @param names configured names
 */
export function isOwnHost(header: string, names: readonly string[] = []): boolean {
  if (header === '') return true;
  const [, address, name] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d{0,5})?$/.exec(header) ?? [];
  if (address !== undefined) return isIP(address) === 6;
  const host = name?.toLowerCase().replace(/\.$/, '') ?? '';
  if (isIP(host) === 4 || host === 'localhost' || host.endsWith('.localhost')) return true;
  return names.some((each) => each.toLowerCase() === host);
}

/** How the modes that speak HTTP do so. */
import type { ProxySettings } from '#proxy/settings.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** How long an idle connection to a server is kept, in milliseconds: less than most servers keep one. */
export const HTTP_IDLE_TIMEOUT = 4000;

/** Times and limits of HTTP, in milliseconds and bytes: the shared library's usual ones. */
export const httpSettings = (): ProxySettings => ({
  headerTimeout: 10_000,
  idleTimeout: 60_000,
  connectTimeout: 5000,
  responseTimeout: 60_000,
  maxHeaderSize: 16 * 1024,
  retryAfter: 5000,
  // Most requests come through a proxy in the same pod, or in a pod that trusts it.
  trustsForwarded: true,
});

/** `host:port`, or `[IPv6]:port`; the pattern of a parameter or of a file has seen to the rest. */
export function addressOf(text: string): Address {
  const colon = text.lastIndexOf(':');
  return { host: text.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(text.slice(colon + 1)) };
}

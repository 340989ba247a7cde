/** Which responses a purge means. */
import { originOf } from '../policy/keys.ts';

/** Those of a URL, of a path on any host, those whose URL or path begins so, or those with a tag. */
export type PurgeSelector =
  | { readonly url: string }
  | { readonly path: string }
  | { readonly prefix: string }
  | { readonly pathPrefix: string }
  | { readonly tag: string };

/** What a response is found by. */
export interface Purgeable {
  readonly url: string;
  readonly tags: readonly string[];
}

/** @param text with scheme and host, or a path of any; scheme, host and port in any form (RFC 9110, section 4.2.3) */
export const urlSelector = (text: string): PurgeSelector =>
  text.includes('://') ? { url: normalUrl(text) } : { path: text };

/** @param text as for `urlSelector`; the beginning of one */
export const prefixSelector = (text: string): PurgeSelector =>
  text.includes('://') ? { prefix: normalUrl(text) } : { pathPrefix: text };

function normalUrl(text: string): string {
  const [, scheme, host, rest] = /^([^:]*):\/\/([^/?]*)(.*)$/s.exec(text)!;
  const lower = scheme!.toLowerCase();
  // Of a prefix that ends within its host, the port may not be whole.
  return (rest === '' ? `${lower}://${host!.toLowerCase()}` : originOf(lower, host!)) + rest;
}

export function isOf(which: PurgeSelector, { url, tags }: Purgeable): boolean {
  if ('url' in which) return url === which.url;
  if ('tag' in which) return tags.includes(which.tag);
  if ('prefix' in which) return url.startsWith(which.prefix);
  const path = url.slice(url.indexOf('/', url.indexOf('://') + 3));
  return 'path' in which ? path === which.path : path.startsWith(which.pathPrefix);
}

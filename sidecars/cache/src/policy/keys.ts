/** Under which key a response is stored (RFC 9111, section 2), and what makes others of it invalid (section 4.4). */
import type { FieldsView } from './fields.ts';

/** What the key is made of. */
export interface KeyRequest {
  /** http or https, as the client spoke it. */
  readonly scheme: string;
  readonly authority: string;
  /** A path, perhaps with a query. */
  readonly target: string;
  readonly fields: Pick<FieldsView, 'get'>;
}

export interface KeyRules {
  /** Further request fields of the key, in lower case. */
  readonly fields: readonly string[];
  /** Parameters of a query that do not count; `prefix*` for all that begin so. */
  readonly ignoredQuery: readonly string[];
}

/** Before further parts of a key: no URL has it. */
const MORE = '\n';

/** The key: a URL first, so that an operator recognises it, then the further fields. */
export function keyOf({ scheme, authority, target, fields }: KeyRequest, rules: KeyRules): string {
  const url = originOf(scheme, authority) + targetOf(target, rules.ignoredQuery);
  if (rules.fields.length === 0) return url;
  return url + rules.fields.map((name) => `${MORE}${name}=${fields.get(name) ?? ''}`).join('');
}

/** The part of a key that is a URL. */
export const urlOfKey = (key: string): string => key.split(MORE, 1)[0]!;

/** Scheme and host, in their normal form (RFC 9110, section 4.2.3). */
export function originOf(scheme: string, authority: string): string {
  const host = authority.toLowerCase().replace(scheme === 'https' ? /:443$/ : /:80$/, '');
  return `${scheme}://${host}`;
}

/** The target without the parameters that do not count. Their order, and escapes, are the application's matter. */
function targetOf(target: string, ignored: readonly string[]): string {
  const mark = target.indexOf('?');
  if (mark === -1 || ignored.length === 0) return target;
  const kept = target
    .slice(mark + 1)
    .split('&')
    .filter((parameter) => !matchesAny(parameter.split('=', 1)[0]!, ignored));
  return kept.length === 0 ? target.slice(0, mark) : `${target.slice(0, mark)}?${kept.join('&')}`;
}

/** Whether a name is one of a list, in which `prefix*` stands for all that begin so. */
export function matchesAny(name: string, list: readonly string[]): boolean {
  return list.some((item) => (item.endsWith('*') ? name.startsWith(item.slice(0, -1)) : name === item));
}

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PROPFIND', 'REPORT', 'SEARCH', 'QUERY']);

/** RFC 9110, section 9.2.1. What is not known to be safe is not. */
export const isSafe = (method: string): boolean => SAFE.has(method);

/**
 * Whether Content-Location says that a response is what its own URL has now (RFC 9110, section 8.7).
 * @param url of the request, as it is in its key
 * @param ignoredQuery parameters that are in no key
 */
export function namesItself(url: string, fields: Pick<FieldsView, 'get'>, ignoredQuery: readonly string[]): boolean {
  const reference = fields.get('content-location');
  const resolved = reference === undefined ? null : URL.parse(reference, url);
  return resolved !== null && targetOf(resolved.href, ignoredQuery) === targetOf(URL.parse(url)!.href, ignoredQuery);
}

/**
 * The URLs that a response to an unsafe request makes invalid (section 4.4): its own, and those of Location
 * and Content-Location where they are of the same origin.
 * @param url of the request, as it is in its key
 * @param ignoredQuery parameters that are in no key
 */
export function invalidatedUrls(
  url: string,
  status: number,
  fields: Pick<FieldsView, 'get'>,
  ignoredQuery: readonly string[] = [],
): string[] {
  // Only what succeeded: 2xx and 3xx.
  if (status < 200 || status > 399) return [];
  const base = URL.parse(url);
  const urls = [url];
  for (const name of ['location', 'content-location']) {
    const reference = fields.get(name);
    const resolved = reference === undefined || base === null ? null : URL.parse(reference, base);
    if (resolved !== null && resolved.origin === base!.origin)
      urls.push(targetOf(resolved.href.replace(/#.*$/s, ''), ignoredQuery));
  }
  return urls;
}

/** Whether a browser asks for a page that a person will see: only then a redirect to a login is of use. */
import type { Request } from '#proxy/http/request.ts';

/**
 * @param request of any kind
 * @returns true for a navigation; false for scripts, images, WebSockets and programs
 */
export function isNavigation(request: Request): boolean {
  if (request.upgrade !== '') return false;
  if (request.get('x-requested-with') !== undefined) return false;
  // What browsers say themselves, and no script can change (Fetch Metadata).
  const mode = request.get('sec-fetch-mode');
  if (mode !== undefined) return mode === 'navigate';
  const accept = request.get('accept');
  return accept !== undefined && /\btext\/html\b/i.test(accept);
}

/** An upgrade that a page of another site asks for: browsers send cookies along and check nothing (RFC 6455, section 10.2). */
export function isCrossOrigin(request: Request, host: string): boolean {
  const origin = request.get('origin');
  if (origin === undefined) return false;
  return !URL.canParse(origin) || new URL(origin).host !== canonicalHost(host, origin);
}

/**
 * Whether this site itself, or its reader (a bookmark, the address bar), sent a request that changes something: by Fetch
 * Metadata, else by Origin or Referer, which browsers send where the site is plain HTTP.
 * @returns undefined where nothing says it
 */
export function isOwnNavigation(request: Request, host: string): boolean | undefined {
  const site = request.get('sec-fetch-site');
  if (site !== undefined) return site === 'same-origin' || site === 'none';
  const from = request.get('origin') ?? request.get('referer');
  if (from === undefined) return undefined;
  return URL.canParse(from) && new URL(from).host === canonicalHost(host, from);
}

/** A host as a URL of the origin's scheme would show it: without the scheme's own port, in lower case. */
function canonicalHost(host: string, origin: string): string {
  const url = `${origin.split(':', 1)[0]}://${host}`;
  return URL.canParse(url) ? new URL(url).host : '';
}

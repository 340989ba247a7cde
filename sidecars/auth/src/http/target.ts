/** Where a browser may be sent after a login: a path of this site, and nothing else. */

/** Longest target that is kept; a longer one leads to the home page. */
const MAX_LENGTH = 2048;
/** Never leaves the origin: used to see what a browser would make of a path. */
const BASE = 'http://site.invalid';

/**
 * A target as a path of this site.
 * @param target what a client asked for
 * @param prefix the sidecar's own routes, which are no place to land on
 * @returns a path with query and fragment, as a browser would read it; '/' for all that might lead elsewhere
 */
export function localTarget(target: string | null | undefined, prefix: string): string {
  if (!target || target.length > MAX_LENGTH || !target.startsWith('/')) return '/';
  // Browsers drop tabs and line breaks, and read a backslash as a slash.
  if (/[\\\p{Cc}\u{7f}-\u{ffff}]/u.test(target) || target.startsWith('//')) return '/';
  if (!URL.canParse(target, BASE)) return '/';
  const { origin, pathname, search, hash, username } = new URL(target, BASE);
  // `/.//elsewhere` is `//elsewhere` once its dots are gone.
  if (origin !== BASE || username !== '' || pathname.startsWith('//')) return '/';
  if (pathname === prefix || pathname.startsWith(`${prefix}/`)) return '/';
  return pathname + search + hash;
}

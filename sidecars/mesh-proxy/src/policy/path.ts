/**
 * A path as it is compared: what different spellings of one resource have in common (RFC 3986, section 6.2.2; Envoy's
 * normalize_path, merge_slashes and path_with_escaped_slashes_action).
 */

/** Applications differ in whether these divide a path: who hides them does so on purpose. */
const AMBIGUOUS = /%2f|%5c|%00|\\/i;
const UNRESERVED = /[A-Za-z0-9\-._~]/;

/**
 * @param path of a request, without its query
 * @returns undefined where two readers could see two paths in it
 */
export function normalizedPath(path: string): string | undefined {
  if (!/[%\\;]|\/\/|\/\.|#/.test(path)) return path;
  if (AMBIGUOUS.test(path) || /%(?![0-9a-f]{2})/i.test(path)) return undefined;
  const decoded = path.replace(/%([0-9a-f]{2})/gi, (written: string, hex: string) => {
    const character = String.fromCharCode(parseInt(hex, 16));
    return UNRESERVED.test(character) ? character : written.toUpperCase();
  });
  // Decoding must not make what would be decoded once more: `%2525`, `%252f`.
  if (/%25[0-9a-f]{2}/i.test(decoded)) return undefined;
  const segments: string[] = [];
  const parts = decoded.split('/');
  for (const [index, part] of parts.entries()) {
    // Servlet containers cut parameters off before they look: `/admin;x` is `/admin` there.
    const name = part.split(';', 1)[0]!;
    const last = index === parts.length - 1;
    if (name === '..') {
      segments.pop();
      if (last) segments.push('');
    } else if (name === '.' || name === '') {
      if (last) segments.push('');
    } else segments.push(name);
  }
  return `/${segments.join('/')}`;
}

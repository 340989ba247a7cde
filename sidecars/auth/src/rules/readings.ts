/**
 * All that an application might take a path for. Servers differ in whether they merge slashes, resolve
 * dots, decode once or twice, cut off `;parameters`, take a backslash for a slash. Instead of guessing
 * which one is behind the sidecar, rules are asked about every reading, and the strictest answer holds.
 */

/** Longest path that is read in more than one way; a longer one that needs it is refused. */
const MAX_LENGTH = 4096;
/** Only with one of these can a path be read in two ways. */
const AMBIGUOUS = /[%;\\#]|\/\/|\/\.\.?(?:\/|$)/;

/**
 * The readings of a path.
 * @param path of a request's target, without its query
 * @returns the path itself first; undefined for one that no server should be asked for
 */
export function readingsOf(path: string): readonly string[] | undefined {
  if (!AMBIGUOUS.test(path)) return [path];
  if (path.length > MAX_LENGTH) return undefined;
  const readings = new Set<string>([path]);
  let decoded = path;
  // Twice: some decode what a proxy before them has decoded.
  for (let times = 0; times <= 2; times++) {
    for (const cut of [decoded, beforeAny(decoded), withoutParameters(decoded), decoded.replaceAll('\\', '/')]) {
      const slashed = withoutParameters(cut).replaceAll('\\', '/');
      for (const each of [cut, slashed]) {
        readings.add(each);
        for (const merged of [each, each.replaceAll(/\/{2,}/g, '/')]) {
          const resolved = resolve(merged);
          if (resolved === undefined) return undefined;
          readings.add(resolved);
          readings.add(resolved.replaceAll(/\/{2,}/g, '/'));
        }
      }
    }
    const next = decode(decoded);
    if (next === undefined || next.includes('\0')) return undefined;
    if (next === decoded) break;
    decoded = next;
  }
  return [...readings];
}

/** What stands before a fragment or a query that somebody sees who decodes too early. */
function beforeAny(path: string): string {
  const at = path.search(/[#?]/);
  return at > 0 ? path.slice(0, at) : path;
}

/** Each segment without its `;parameters` (RFC 3986, section 3.3). */
const withoutParameters = (path: string): string => path.replaceAll(/;[^/]*/g, '');

/** Percent-decoding to Latin-1. @returns undefined for a percent sign that begins nothing */
function decode(path: string): string | undefined {
  if (/%(?![0-9a-f]{2})/i.test(path)) {
    // After the first decoding a bare percent sign is a character of its own.
    return undefined;
  }
  return path.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** Without `.` and `..` (RFC 3986, section 5.2.4). @returns undefined where it would leave the root */
function resolve(path: string): string | undefined {
  if (!path.includes('/.')) return path;
  const out: string[] = [];
  const segments = path.split('/').slice(1);
  for (const [index, segment] of segments.entries()) {
    const isLast = index === segments.length - 1;
    if (segment === '.' || segment === '..') {
      if (segment === '..' && out.pop() === undefined) return undefined;
      if (isLast) out.push('');
    } else out.push(segment);
  }
  return `/${out.join('/')}`;
}

/**
 * All paths that an application might read in a request's path. Servers differ in whether they merge slashes, resolve
 * dots, decode once or twice, cut off `;parameters`, take a backslash for a slash. Instead of guessing which one is
 * behind the proxy, rules are asked about every variant: to refuse, one that matches is enough; to let through, all
 * must match.
 */

/** Longest path, in bytes, that is read in more than one way; a longer one that needs it is refused. */
const MAX_LENGTH = 4096;
/** Decodings in a row: some servers decode what a proxy before them has decoded. */
const DECODINGS = 2;
/** Only with one of these can a path be read in two ways. */
const AMBIGUOUS = /[^!-~]|[%;\\#]|\/\/|\/\.\.?(?:\/|$)/;
/** Control characters, and bytes that begin an overlong form of an ASCII character in UTF-8. */
const REFUSED = /[^ -~\x80-\xff]|[\xc0\xc1]/;

/**
 * @param path of a request's target, without its query: its bytes as Latin-1 text
 * @returns as text, the path itself first where it is plain; undefined for one that no server should be asked for:
 * with a percent sign that begins nothing, control characters, overlong UTF-8, or dots that leave the root
 */
export function pathVariants(path: string): readonly string[] | undefined {
  if (!AMBIGUOUS.test(path)) return [path];
  if (path.length > MAX_LENGTH || /%(?![0-9a-f]{2})/i.test(path)) return undefined;
  const variants = new Set<string>();
  let level = cuts(new Set([path]));
  for (let times = 0; ; times++) {
    for (const cut of level) {
      if (REFUSED.test(cut)) return undefined;
      for (const each of new Set([cut, slashed(cut), withoutParameters(slashed(cut))])) {
        variants.add(each);
        for (const merged of new Set([each, mergeSlashes(each)])) {
          const resolved = removeDots(merged);
          if (resolved === undefined) return undefined;
          variants.add(resolved).add(mergeSlashes(resolved));
        }
      }
    }
    if (times === DECODINGS) break;
    level = cuts(new Set([...level].map(percentDecoded)));
  }
  const texts = new Set<string>();
  for (const variant of variants) addTexts(variant, texts);
  return [...texts];
}

/** Servers cut parameters and fragments off before they decode, or after. */
function cuts(paths: ReadonlySet<string>): ReadonlySet<string> {
  const whole = new Set([...paths, ...[...paths].map(beforeFragment)]);
  return new Set([...whole, ...[...whole].map(withoutParameters)]);
}

/** What stands before a fragment or a query for a server that decodes before it divides. */
function beforeFragment(path: string): string {
  const at = path.search(/[#?]/);
  return at > 0 ? path.slice(0, at) : path;
}

const mergeSlashes = (path: string): string => path.replaceAll(/\/{2,}/g, '/');
const slashed = (path: string): string => path.replaceAll('\\', '/');
/** Each segment without its `;parameters` (RFC 3986, section 3.3). */
const withoutParameters = (path: string): string => path.replaceAll(/;[^/]*/g, '');

/** Bytes as Latin-1 text; a percent sign that begins nothing stays. */
const percentDecoded = (path: string): string =>
  path.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));

/** Without `.` and `..` (RFC 3986, section 5.2.4). @returns undefined where it would leave the root */
function removeDots(path: string): string | undefined {
  if (!path.includes('/.')) return path;
  const out: string[] = [];
  const segments = path.split('/').slice(1);
  for (const [index, segment] of segments.entries()) {
    if (segment === '.' || segment === '..') {
      if (segment === '..' && out.pop() === undefined) return undefined;
      if (index === segments.length - 1) out.push('');
    } else out.push(segment);
  }
  return `/${out.join('/')}`;
}

/** Bytes as text: UTF-8; where they are none, as Latin-1 and with replacement characters, since servers do either. */
function addTexts(bytes: string, texts: Set<string>): void {
  if (!/[^\0-\x7f]/.test(bytes)) {
    texts.add(bytes);
    return;
  }
  const text = Buffer.from(bytes, 'latin1').toString('utf8');
  texts.add(text);
  if (text.includes('\u{fffd}')) texts.add(bytes);
}

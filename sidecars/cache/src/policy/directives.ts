/** Cache-Control and CDN-Cache-Control (RFC 9111, section 5.2; RFC 9213). */
import { parseDictionary } from 'structured-headers';
import { listOf, type FieldsView } from './fields.ts';

/** What a message's cache directives say. Times are in seconds. */
export interface Directives {
  /** Any directive at all was read. */
  readonly present: boolean;
  readonly maxAge: number | undefined;
  readonly sMaxage: number | undefined;
  readonly noStore: boolean;
  /** Without arguments; those are `noCacheFields`. */
  readonly noCache: boolean;
  readonly noCacheFields: readonly string[];
  /** Without arguments; those are `privateFields`. */
  readonly private: boolean;
  readonly privateFields: readonly string[];
  readonly public: boolean;
  readonly mustRevalidate: boolean;
  readonly proxyRevalidate: boolean;
  readonly mustUnderstand: boolean;
  readonly onlyIfCached: boolean;
  /** Of a request; Infinity for one without an argument. */
  readonly maxStale: number | undefined;
  readonly minFresh: number | undefined;
  /** RFC 5861, section 3. */
  readonly staleWhileRevalidate: number | undefined;
  /** RFC 5861, section 4. */
  readonly staleIfError: number | undefined;
}

/** RFC 9111, section 1.2.2: what is larger counts as this. */
export const MAX_DELTA = 2 ** 31;

/** A directive's argument: undefined where it has none, null where it is not well formed. */
type Argument = string | undefined | null;

const NOTHING: Directives = collect(new Map());

/**
 * The directives of Cache-Control, read as loosely as section 5.2 demands: names in any case, arguments
 * as tokens or quoted strings, unknown ones passed over. Of several of one name the first counts
 * (section 4.2.1). A freshness that cannot be read is none: the response is stale (section 4.2.1).
 */
export function parseCacheControl(fields: Pick<FieldsView, 'getAll'>): Directives {
  const values = fields.getAll('cache-control');
  if (values.length === 0) return NOTHING;
  const found = new Map<string, Argument>();
  for (const value of values)
    for (const member of listOf(value)) {
      const equals = member.indexOf('=');
      const name = (equals === -1 ? member : member.slice(0, equals)).toLowerCase();
      // RFC 9110, section 5.6.6 has no blanks round the "=": the directive is known, its argument is not.
      const trimmed = name.trimEnd();
      if (found.has(trimmed)) continue;
      if (equals === -1) found.set(trimmed, undefined);
      else found.set(trimmed, trimmed === name ? unquote(member.slice(equals + 1)) : null);
    }
  return collect(found);
}

/**
 * The directives that this cache obeys: those of CDN-Cache-Control where that is valid and not empty,
 * and then neither Cache-Control nor Expires count (RFC 9213, section 2.1).
 * @returns the directives, and whether they are the targeted field's
 */
export function responseDirectives(fields: FieldsView): { directives: Directives; targeted: boolean } {
  const targeted = parseTargeted(fields.get('cdn-cache-control'));
  return targeted === undefined
    ? { directives: parseCacheControl(fields), targeted: false }
    : { directives: targeted, targeted: true };
}

/** CDN-Cache-Control: a dictionary of structured fields (RFC 9213, section 2.1). @returns undefined when it does not count */
export function parseTargeted(value: string | undefined): Directives | undefined {
  if (value === undefined) return undefined;
  const found = new Map<string, Argument>();
  try {
    for (const [name, [argument]] of parseDictionary(value)) {
      if (argument === true) found.set(name, undefined);
      // Section 2.1: a value of the wrong type is passed over, with its directive.
      else if (typeof argument === 'number' && Number.isInteger(argument)) found.set(name, String(argument));
      else if (typeof argument === 'string' && LISTS_FIELDS.has(name)) found.set(name, argument);
    }
  } catch {
    return undefined;
  }
  return found.size === 0 && value.trim() === '' ? undefined : collect(found, true);
}

const LISTS_FIELDS = new Set(['no-cache', 'private']);

function collect(found: ReadonlyMap<string, Argument>, present = found.size > 0): Directives {
  const seconds = (name: string): number | undefined => (found.has(name) ? deltaSeconds(found.get(name)) : undefined);
  const fields = (name: string): string[] => listOf(found.get(name) ?? '').map((field) => field.toLowerCase());
  const noCacheFields = fields('no-cache');
  const privateFields = fields('private');
  return {
    present,
    maxAge: seconds('max-age'),
    sMaxage: seconds('s-maxage'),
    noStore: found.has('no-store'),
    noCache: found.has('no-cache') && noCacheFields.length === 0,
    noCacheFields,
    private: found.has('private') && privateFields.length === 0,
    privateFields,
    public: found.has('public'),
    mustRevalidate: found.has('must-revalidate'),
    proxyRevalidate: found.has('proxy-revalidate'),
    mustUnderstand: found.has('must-understand'),
    onlyIfCached: found.has('only-if-cached'),
    maxStale: found.has('max-stale') && found.get('max-stale') === undefined ? Infinity : seconds('max-stale'),
    minFresh: seconds('min-fresh'),
    staleWhileRevalidate: seconds('stale-while-revalidate'),
    staleIfError: seconds('stale-if-error'),
  };
}

/** RFC 9111, section 1.2.2. @returns 0 for what is no number of seconds */
function deltaSeconds(text: Argument): number {
  return typeof text === 'string' && /^\d+$/.test(text) ? Math.min(Number(text), MAX_DELTA) : 0;
}

/** An argument, whether it is a token or a quoted string (RFC 9110, section 5.6.4). */
function unquote(text: string): Argument {
  if (!text.startsWith('"')) return text;
  if (text.length < 2 || !text.endsWith('"')) return null;
  return text.slice(1, -1).replace(/\\(.)/g, '$1');
}

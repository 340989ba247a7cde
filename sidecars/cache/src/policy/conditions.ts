/** Conditions: those of clients, answered from the store, and our own towards the application (RFC 9110, section 13; RFC 9111, section 4.3). */
import { parseDate } from './dates.ts';
import { listOf, type FieldsView } from './fields.ts';
import { dateOf } from './freshness.ts';

/** Fields that make a request conditional or partial. */
export const CONDITIONS = [
  'if-none-match',
  'if-modified-since',
  'if-match',
  'if-unmodified-since',
  'if-range',
  'range',
] as const;

/**
 * Whether a client has already what is stored (RFC 9111, section 4.3.2): then 304 answers.
 * @param stored the stored response's fields
 * @param responseTime when it came, in milliseconds since the epoch
 */
export function isNotModified(request: FieldsView, stored: FieldsView, responseTime: number): boolean {
  const noneMatch = request.get('if-none-match');
  // RFC 9110, section 13.1.3: with If-None-Match, If-Modified-Since does not count.
  if (noneMatch !== undefined) return matchesAny(noneMatch, stored.get('etag'));
  const since = parseDate(request.get('if-modified-since') ?? '', responseTime);
  if (since === undefined) return false;
  // RFC 9111, section 4.3.2: without Last-Modified, Date, or when it came.
  const modified = parseDate(stored.get('last-modified') ?? '', responseTime) ?? dateOf(stored, responseTime);
  return modified <= since;
}

/** RFC 9110, section 13.1.2: compared weakly. */
function matchesAny(list: string, etag: string | undefined): boolean {
  if (list.trim() === '*') return true;
  return etag !== undefined && listOf(list).some((member) => opaque(member) === opaque(etag));
}

/** An entity tag without its weakness. */
const opaque = (etag: string): string => (etag.startsWith('W/') ? etag.slice(2) : etag).trim();

/** RFC 9110, section 8.8.3.2. */
export function stronglyMatches(one: string | undefined, other: string | undefined): boolean {
  return one !== undefined && one === other && !one.startsWith('W/');
}

/** The fields by which we ask whether a stored response has changed (RFC 9111, section 4.3.1). */
export function validatorsOf(stored: Pick<FieldsView, 'get'>): (readonly [string, string])[] {
  const etag = stored.get('etag');
  const modified = stored.get('last-modified');
  return [
    ...(etag === undefined ? [] : [['If-None-Match', etag] as const]),
    ...(modified === undefined ? [] : [['If-Modified-Since', modified] as const]),
  ];
}

/**
 * Whether a 304 is about the response that we asked with (RFC 9111, section 4.3.4).
 * @param answer the 304's fields
 */
export function confirms(answer: Pick<FieldsView, 'get'>, stored: Pick<FieldsView, 'get'>): boolean {
  const etag = answer.get('etag');
  if (etag !== undefined) return opaque(etag) === opaque(stored.get('etag') ?? '');
  const modified = answer.get('last-modified');
  return (
    modified === undefined || stored.get('last-modified') === undefined || modified === stored.get('last-modified')
  );
}

/** Fields that describe the stored body, and that a 304 must not change (RFC 9111, section 3.2). */
const OF_THE_BODY = new Set(['content-encoding', 'content-type', 'content-range', 'content-length']);

/**
 * A stored response's fields, updated by those of a 304 or a HEAD (RFC 9111, sections 3.2, 4.3.4 and 4.3.5):
 * each that comes replaces all of its name.
 */
export function mergedFields(
  stored: Iterable<readonly [string, string]>,
  update: Iterable<readonly [string, string]>,
): (readonly [string, string])[] {
  const fresh = [...update].filter(([name]) => !OF_THE_BODY.has(name.toLowerCase()));
  const replaced = new Set(fresh.map(([name]) => name.toLowerCase()));
  return [...[...stored].filter(([name]) => !replaced.has(name.toLowerCase())), ...fresh];
}

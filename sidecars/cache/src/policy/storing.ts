/** Whether a response may be stored (RFC 9111, section 3), and without which of its fields. */
import type { Directives } from './directives.ts';
import type { FieldsView } from './fields.ts';
import { isCacheDeception } from './deception.ts';
import type { Freshness } from './freshness.ts';
import { isHeuristicallyCacheable } from './freshness.ts';
import { namesOf } from './fields.ts';

/** What storing depends on of a request. */
export interface StoringRequest {
  readonly method: string;
  /** A path, perhaps with a query. */
  readonly target: string;
  readonly authorized: boolean;
  /** It has cookies that count. */
  readonly cookies: boolean;
  /** Cache-Control: no-store. */
  readonly noStore: boolean;
  /** It has more fields, or longer ones, than a browser's request: an error may be its own fault. */
  readonly unusual: boolean;
}

export interface StoringResponse {
  readonly status: number;
  readonly fields: FieldsView;
  readonly directives: Directives;
  /** The directives are CDN-Cache-Control's: meant for this kind of cache alone. */
  readonly targeted: boolean;
  readonly freshness: Freshness;
}

/** Why a response is not stored: Cache-Status' `detail`. */
export type NotStored =
  | 'method'
  | 'request-no-store'
  | 'status'
  | 'no-store'
  | 'private'
  | 'authorization'
  | 'set-cookie'
  | 'cookie'
  | 'vary'
  | 'content-type'
  | 'no-freshness'
  | 'unusual-request';

/** Reasons that lie in the request: they say nothing of what is stored already. */
const OF_THE_REQUEST: ReadonlySet<NotStored> = new Set<NotStored>([
  'method',
  'request-no-store',
  'authorization',
  'cookie',
  'unusual-request',
]);

/** Whether a response that is not stored shows that what is stored in its place is no longer true. */
export const supersedes = (not: NotStored): boolean => !OF_THE_REQUEST.has(not);

/** A cache that knows what these mean may store them although they say no-store, must-understand (section 5.2.2.3). */
const UNDERSTOOD = new Set([200, 203, 204, 300, 301, 302, 303, 307, 308, 404, 405, 410, 414, 501]);

/**
 * Whether a response may be stored.
 * @returns undefined when it may; otherwise why not
 */
export function whyNotStored(request: StoringRequest, response: StoringResponse): NotStored | undefined {
  const { status, fields, directives, targeted, freshness } = response;
  // Section 3, first point; answers to POST that may be stored are asked about as those to GET: see `PostAnswers`.
  if (request.method !== 'GET') return 'method';
  // Section 5.2.1.5.
  if (request.noStore) return 'request-no-store';
  // Section 3, second and third point. Parts (206) are not stored.
  if (status < 200 || status === 206 || status === 304) return 'status';
  if (directives.mustUnderstand && !UNDERSTOOD.has(status)) return 'status';
  // Section 5.2.2.3: no-store beside must-understand is for caches that do not know the status.
  if (directives.noStore && !directives.mustUnderstand) return 'no-store';
  if (directives.private) return 'private';
  const shared = isShared(directives, targeted);
  // Section 3.5 would let must-revalidate do, too; but it does not say that the answer is for others.
  if (request.authorized && !shared) return 'authorization';
  // Not of the RFC: what names a session belongs to one client, whatever else the response says.
  if (fields.get('set-cookie') !== undefined && !excludedFields(directives).includes('set-cookie')) return 'set-cookie';
  if (request.cookies && !shared) return 'cookie';
  // Section 4.1: it would match nothing.
  if (namesOf(fields.getAll('vary')).includes('*')) return 'vary';
  if (isCacheDeception(request.target, fields.get('content-type'))) return 'content-type';
  if (request.unusual && status >= 400) return 'unusual-request';
  // Section 3, last point; without a freshness or something to ask with, it would be of no use.
  const askable = isHeuristicallyCacheable(status) && hasValidator(fields);
  return freshness.source === 'none' && !askable ? 'no-freshness' : undefined;
}

/** The response says that it is for more than the one who asked (sections 3.5, 5.2.2.9, 5.2.2.10; RFC 9213). */
export function isShared(directives: Directives, targeted: boolean): boolean {
  return directives.public || directives.sMaxage !== undefined || (targeted && directives.maxAge !== undefined);
}

/** There is something to ask with whether it has changed (RFC 9110, section 8.8). */
export function hasValidator(fields: Pick<FieldsView, 'get'>): boolean {
  return fields.get('etag') !== undefined || fields.get('last-modified') !== undefined;
}

/** Fields that a shared cache leaves out of what it stores, in lower case (sections 5.2.2.4 and 5.2.2.7). */
export function excludedFields(directives: Directives): readonly string[] {
  return [...directives.noCacheFields, ...directives.privateFields];
}

/** Fields of one connection, or of what one client may see: never stored (section 3.1). */
export const NEVER_STORED: ReadonlySet<string> = new Set([
  'connection',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'content-length',
  'age',
]);

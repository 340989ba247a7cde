/** Responses: what became of each item of a bulk request. */
import { hasMoreValues } from '../lines/json-values.ts';

/** What a store says of one item, when it did not simply store it. */
export type Exception =
  /** It had a document of that id. */
  | { readonly kind: 'duplicate' }
  /** Not now: 429 or 5xx. */
  | { readonly kind: 'again'; readonly status: number; readonly reason: string }
  /** Not before an administrator has done something. */
  | { readonly kind: 'blocked'; readonly status: number; readonly reason: string }
  /** Never: another 4xx. */
  | { readonly kind: 'refused'; readonly status: number; readonly reason: string };

/** Verdicts by item; an item that has none was stored. */
export type Exceptions = Map<number, Exception>;

/**
 * Errors that no line is at fault for. Sources: the exceptions of Elasticsearch 8 and OpenSearch 2 that
 * `_bulk` gives single items for blocks, closed and missing indices, and rights.
 */
const BLOCKS = new Set([
  'cluster_block_exception',
  'index_closed_exception',
  'index_not_found_exception',
  'index_create_block_exception',
  'security_exception',
  'validation_exception',
]);
/** The limit of shards has an exception of its own in no version. */
const SHARD_LIMIT = /this action would add \[\d+\]/;

/** Errors that are a line's own, also when every line of a request has it. */
const OWN = /parsing|parse|mapping|mapper|coercion|too_long|max_bytes_length|number_format|illegal_argument|script/;

/** A response of so many bytes, and so many an item, is parsed without more ado; stores that filter it send half of that. */
const SMALL = 64 * 1024;
const SMALL_PER_ITEM = 64;
/** The most values of a larger one for each item, on average; a store that does not filter it sends 15 or so. */
const VALUES_PER_ITEM = 32;

/** Longest reason that is kept, in characters. */
const REASON_MAX = 500;

interface Item {
  readonly status?: unknown;
  readonly error?: unknown;
}

/**
 * Read the response of a bulk request. Every item's own status counts; the `errors` flag is not
 * believed.
 * @param body what the store answered with a 2xx
 * @param count how many items were sent
 * @returns the items that were not simply stored; undefined when this is no answer to the request
 */
export function readBulkResponse(body: Buffer, count: number): Exceptions | undefined {
  if (body.length > SMALL + SMALL_PER_ITEM * count && hasMoreValues(body, SMALL + VALUES_PER_ITEM * count))
    return undefined;
  let items: unknown;
  try {
    items = (JSON.parse(body.toString()) as { items?: unknown } | null)?.items;
  } catch {
    return undefined;
  }
  if (!Array.isArray(items) || items.length !== count) return undefined;
  const exceptions: Exceptions = new Map();
  for (let index = 0; index < count; index++) {
    const item = itemOf(items[index]);
    const status = item?.status;
    if (typeof status !== 'number') return undefined;
    if (status >= 200 && status < 300) continue;
    if (status < 400 || status > 599) return undefined;
    exceptions.set(index, exceptionOf(status, item?.error));
  }
  return exceptions.size === count && count > 1 ? agreeing(exceptions) : exceptions;
}

/**
 * All items are refused. When that is for one reason, which is none that a line can have, it is not
 * theirs; numbers and names in it may differ.
 */
function agreeing(exceptions: Exceptions): Exceptions {
  const reasons = new Set<string>();
  for (const each of exceptions.values()) {
    if (each.kind !== 'refused' || OWN.test(each.reason.split(':', 1)[0]!)) return exceptions;
    reasons.add(`${each.status} ${each.reason.replaceAll(/\d+|'[^']*'|"[^"]*"|\[[^\]]*\]/g, '')}`);
    if (reasons.size > 1) return exceptions;
  }
  return new Map(
    [...exceptions].map(([index, each]) => [index, each.kind === 'refused' ? { ...each, kind: 'blocked' } : each]),
  );
}

/** `{"create": {…}}`: the only value of an item, whatever its action is called. */
function itemOf(entry: unknown): Item | undefined {
  if (typeof entry !== 'object' || entry === null) return undefined;
  for (const action in entry) {
    const item = (entry as Record<string, unknown>)[action];
    return typeof item === 'object' && item !== null ? item : undefined;
  }
  return undefined;
}

function exceptionOf(status: number, error: unknown): Exception {
  if (status === 409) return { kind: 'duplicate' };
  const type = (error as { type?: unknown } | null | undefined)?.type;
  if (typeof type === 'string' && (BLOCKS.has(type) || SHARD_LIMIT.test(reasonOf(error))))
    return { kind: 'blocked', status, reason: reasonOf(error) };
  return { kind: status === 429 || status >= 500 ? 'again' : 'refused', status, reason: reasonOf(error) };
}

/** `mapper_parsing_exception: failed to parse field …`, or what else is there. */
export function reasonOf(error: unknown): string {
  if (typeof error === 'string') return error.slice(0, REASON_MAX);
  if (typeof error !== 'object' || error === null) return 'no reason given';
  const { type, reason } = error as { type?: unknown; reason?: unknown };
  const parts = [type, reason].filter((part) => typeof part === 'string');
  return (parts.length > 0 ? parts.join(': ') : JSON.stringify(error)).slice(0, REASON_MAX);
}

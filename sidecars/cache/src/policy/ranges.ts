/** Parts of a stored body (RFC 9110, section 14). */
import { parseDate } from './dates.ts';
import type { FieldsView } from './fields.ts';
import { stronglyMatches } from './conditions.ts';

/** From the first to the last byte, both included. */
export interface Range {
  readonly first: number;
  readonly last: number;
}

/** More parts than this, or parts that overlap, are no honest request (RFC 9110, section 17.15). */
export const MAX_RANGES = 16;

/**
 * What a Range asks for.
 * @param length of the body, in bytes
 * @returns undefined when it does not count, so that the whole is the answer; an empty list for one that
 *   cannot be had: 416
 */
export function parseRange(value: string, length: number): readonly Range[] | undefined {
  const specs = /^bytes=(.+)$/i.exec(value.trim())?.[1]?.split(',');
  if (specs === undefined || specs.length > MAX_RANGES) return undefined;
  const ranges: Range[] = [];
  for (const spec of specs) {
    const match = /^\s*(\d{0,15})-(\d{0,15})\s*$/.exec(spec);
    if (!match || (match[1] === '' && match[2] === '')) return undefined;
    const range = resolve(match[1]!, match[2]!, length);
    if (range === 'invalid') return undefined;
    if (range !== undefined) ranges.push(range);
  }
  const sorted = ranges.toSorted((one, other) => one.first - other.first);
  return sorted.some((range, index) => index > 0 && range.first <= sorted[index - 1]!.last) ? undefined : ranges;
}

function resolve(first: string, last: string, length: number): Range | 'invalid' | undefined {
  if (first === '') {
    const size = Math.min(Number(last), length);
    return size === 0 ? undefined : { first: length - size, last: length - 1 };
  }
  if (last !== '' && Number(last) < Number(first)) return 'invalid';
  if (Number(first) >= length) return undefined;
  return { first: Number(first), last: last === '' ? length - 1 : Math.min(Number(last), length - 1) };
}

/** Whether If-Range lets a Range count (RFC 9110, section 13.1.5): only for the very same representation. */
export function rangeApplies(request: Pick<FieldsView, 'get'>, stored: Pick<FieldsView, 'get'>): boolean {
  const condition = request.get('if-range')?.trim();
  if (condition === undefined) return true;
  if (condition.startsWith('"') || condition.startsWith('W/')) return stronglyMatches(condition, stored.get('etag'));
  const modified = stored.get('last-modified');
  const date = parseDate(stored.get('date') ?? '');
  const time = parseDate(modified ?? '');
  // RFC 9110, section 8.8.2.2: Last-Modified is strong when it lies well before Date.
  return modified === condition && date !== undefined && time !== undefined && date - time >= 1000;
}

/** Answers made of what is stored: the whole, parts of it, or that nothing has changed. */
import { randomBytes } from 'node:crypto';
import type { Reply } from '#proxy/http/reply.ts';
import { cacheStatus, type CacheStatus } from '../policy/cache-status.ts';
import { isNotModified } from '../policy/conditions.ts';
import type { FieldsView } from '../policy/fields.ts';
import { parseRange, rangeApplies, type Range } from '../policy/ranges.ts';
import { FieldLines, type Stored } from '../store/stored.ts';
import type { CacheLookup } from './cache-lookup.ts';
import type { FetchHead } from './fetches.ts';

/** Of all ranges of one request, in bytes: parts that are small and many cost more than they bring. */
const PART_HEAD = 200;

/**
 * The answer to a request that a stored response has.
 * @param age in seconds
 * @param validated the application confirmed it just now: its Age is still told, as the RFC has it
 */
export function answerOf(
  stored: Stored,
  { exchange: { request }, facts, range: partial }: CacheLookup,
  age: number,
  status: CacheStatus,
): Reply {
  const { head, body } = stored;
  const added = `Age: ${Math.floor(age)}\r\nCache-Status: ${cacheStatus(status)}\r\n`;
  if (!facts.conditional && !partial) return { status: head.status, lines: head.lines + added, body };
  const fields = stored.fields;
  // RFC 9110, section 13.2.1: conditions are for what would have been a success.
  const successful = head.status >= 200 && head.status < 300;
  if (facts.conditional && successful && isNotModified(request, fields, head.responseTime))
    return { status: 304, lines: linesWithout(stored, OF_CONTENT) + added };
  const range = partial ? request.get('range') : undefined;
  if (range !== undefined && head.status === 200 && rangeApplies(request, fields)) {
    const ranges = parseRange(range, body.length);
    if (ranges !== undefined) return partOf(stored, ranges, added);
  }
  return { status: head.status, lines: head.lines + added, body };
}

/** RFC 9110, section 15.4.5: a 304 says nothing of content that it does not have. */
const OF_CONTENT: ReadonlySet<string> = new Set([
  'content-type',
  'content-encoding',
  'content-language',
  'content-range',
]);
const OF_RANGE: ReadonlySet<string> = new Set(['content-range']);
const OF_PARTS: ReadonlySet<string> = new Set(['content-range', 'content-type']);

function linesWithout({ fields }: { readonly fields: FieldLines }, names: ReadonlySet<string>): string {
  let lines = '';
  for (const [name, value] of fields) if (!names.has(name.toLowerCase())) lines += `${name}: ${value}\r\n`;
  return lines;
}

/** RFC 9110, sections 15.3.7 and 15.5.17. */
function partOf(stored: Stored, ranges: readonly Range[], added: string): Reply {
  const { body } = stored;
  if (ranges.length === 0)
    return {
      status: 416,
      lines: `${linesWithout(stored, OF_PARTS)}${added}Content-Range: bytes */${body.length}\r\n`,
    };
  if (ranges.length === 1) {
    const { first, last } = ranges[0]!;
    const lines = `${linesWithout(stored, OF_RANGE)}${added}Content-Range: bytes ${first}-${last}/${body.length}\r\n`;
    return { status: 206, lines, body: body.subarray(first, last + 1) };
  }
  const size = ranges.reduce((sum, { first, last }) => sum + last - first + 1 + PART_HEAD, 0);
  // No more than the whole would be.
  if (size > body.length + PART_HEAD) return { status: 200, lines: stored.head.lines + added, body };
  const boundary = randomBytes(12).toString('hex');
  const type = stored.fields.get('content-type');
  const parts = ranges.flatMap(({ first, last }) => [
    Buffer.from(
      `\r\n--${boundary}\r\n${type === undefined ? '' : `Content-Type: ${type}\r\n`}Content-Range: bytes ${first}-${last}/${body.length}\r\n\r\n`,
      'latin1',
    ),
    body.subarray(first, last + 1),
  ]);
  return {
    status: 206,
    lines: `${linesWithout(stored, OF_PARTS)}${added}Content-Type: multipart/byteranges; boundary=${boundary}\r\n`,
    body: Buffer.concat([...parts, Buffer.from(`\r\n--${boundary}--\r\n`)]),
  };
}

/**
 * One part of a body that is still on its way, where its length is known.
 * @param lines the fields of the answer
 * @returns undefined for what takes the whole body, or an answer without one
 */
export function partOfBody(
  request: FieldsView,
  { status, length }: FetchHead,
  lines: string,
  read: () => AsyncIterable<Buffer>,
): Reply | undefined {
  const fields = new FieldLines(lines);
  if (status !== 200 || length === undefined || !rangeApplies(request, fields)) return undefined;
  const [range, ...more] = parseRange(request.get('range')!, length) ?? [];
  if (range === undefined || more.length > 0) return undefined;
  const { first, last } = range;
  return {
    status: 206,
    lines: `${linesWithout({ fields }, OF_RANGE)}Content-Range: bytes ${first}-${last}/${length}\r\n`,
    body: between(read(), first, last + 1),
    length: last - first + 1,
  };
}

/** The bytes of a body from an index on to before another one. */
async function* between(
  body: AsyncIterable<Buffer>,
  from: number,
  to: number,
): AsyncGenerator<Buffer, void, undefined> {
  let at = 0;
  for await (const chunk of body) {
    const part = chunk.subarray(Math.max(0, from - at), Math.max(0, to - at));
    at += chunk.length;
    if (part.length > 0) yield part;
    if (at >= to) return;
  }
}

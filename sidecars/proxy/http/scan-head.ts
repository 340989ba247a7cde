/**
 * Finding the parts of an HTTP/1 head in one pass over its bytes: offsets only, no strings.
 * Strict as RFC 9112 allows: what two parsers could read in two ways is refused.
 */
import { COLON, CR, HTAB, LF, NAME, SP, TARGET, VALUE } from './bytes.ts';
import { HeadCache } from './head-cache.ts';

/** More bytes are needed. */
export const INCOMPLETE = 0;
/** The whole head is there. */
export const DONE = 1;
/** The head cannot be accepted; `head.reason` says why. */
export const BAD = 2;

const MAX_FIELDS = 256;
const H = 72;
const T = 84;
const P = 80;
const SLASH = 47;
const DOT = 46;

/** Why a message is refused: the label of a metric. */
export type RejectReason =
  | 'request_line'
  | 'version'
  | 'field'
  | 'line_end'
  | 'fold'
  | 'too_large'
  | 'host'
  | 'framing'
  | 'coding'
  | 'target'
  | 'method'
  | 'expect'
  | 'status_line'
  | 'upgrade'
  | 'connection'
  | 'chunks';

/** Offsets of a head's parts. Reused from one head to the next. */
export class Head {
  /** First byte of the start line. */
  start = 0;
  /** First byte after the start line. */
  fieldsStart = 0;
  /** First byte of the blank line. */
  fieldsEnd = 0;
  /** First byte after the blank line. */
  end = 0;
  /** How many fields there are. */
  count = 0;
  /** Four offsets a field: name's start and end, value's start and end. */
  readonly fields = new Int32Array(MAX_FIELDS * 4);
  /** 1 for each field that is not passed on. */
  readonly dropped = new Uint8Array(MAX_FIELDS);
  /** A line ended in a bare LF; only where that is tolerated. */
  bareLf = false;
  /** HTTP/1.x */
  minor = 1;
  reason: RejectReason = 'field';

  /** What all of this is about, to tell whether the next head says the same. */
  readonly kept = new HeadCache();

  // Of a request.
  methodEnd = 0;
  targetStart = 0;
  targetEnd = 0;
  // Of a response.
  status = 0;

  /** First byte of a field's line. */
  lineStart(field: number): number {
    return field < this.count ? this.fields[field * 4]! : this.fieldsEnd;
  }
}

function bad(head: Head, reason: RejectReason): typeof BAD {
  head.reason = reason;
  return BAD;
}

/**
 * Scan a request's head (RFC 9112, section 3).
 * @param head filled
 * @param bytes holds the head from `start`, as far as it has arrived, up to `end`
 * @returns INCOMPLETE, DONE or BAD; the same for the same bytes however they arrived
 */
export function scanRequest(head: Head, bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  head.start = start;
  head.kept.forget();
  while (at < end && NAME[bytes[at]!] !== 0) at++;
  if (at === end) return INCOMPLETE;
  if (at === start || bytes[at] !== SP) return bad(head, 'request_line');
  head.methodEnd = at++;

  head.targetStart = at;
  while (at < end && TARGET[bytes[at]!] !== 0) at++;
  if (at === end) return INCOMPLETE;
  if (at === head.targetStart || bytes[at] !== SP) return bad(head, 'request_line');
  head.targetEnd = at++;

  if (at + 10 > end) {
    // A line that has already ended is not the beginning of anything.
    for (let index = at; index < end; index++) if (bytes[index] === LF) return bad(head, 'request_line');
    return INCOMPLETE;
  }
  const minor = version(bytes, at);
  if (minor === undefined) return bad(head, 'request_line');
  if (minor < 0) return bad(head, 'version');
  head.minor = minor;
  if (bytes[at + 8] !== CR || bytes[at + 9] !== LF)
    return bad(head, bytes[at + 8] === LF ? 'line_end' : 'request_line');
  return scanFields(head, bytes, at + 10, end, false);
}

/**
 * Scan a response's head (RFC 9112, section 4). A bare LF is taken for a line's end, as section 2.2
 * allows: old CGI programs write nothing else.
 */
export function scanResponse(head: Head, bytes: Uint8Array, start: number, end: number): number {
  head.kept.forget();
  head.start = start;
  head.bareLf = false;
  if (end - start < 13) return INCOMPLETE;
  const minor = version(bytes, start);
  if (minor === undefined || minor < 0 || bytes[start + 8] !== SP) return bad(head, 'status_line');
  head.minor = minor;
  head.status = 0;
  for (let index = start + 9; index < start + 12; index++) {
    const digit = bytes[index]! - 48;
    if (digit < 0 || digit > 9) return bad(head, 'status_line');
    head.status = head.status * 10 + digit;
  }
  let at = start + 12;
  if (head.status < 100 || (bytes[at] !== SP && bytes[at] !== CR && bytes[at] !== LF)) return bad(head, 'status_line');
  while (at < end && VALUE[bytes[at]!] !== 0) at++;
  if (at === end) return INCOMPLETE;
  if (bytes[at] === LF) {
    head.bareLf = true;
    at += 1;
  } else {
    if (at + 1 === end) return INCOMPLETE;
    if (bytes[at] !== CR || bytes[at + 1] !== LF) return bad(head, 'status_line');
    at += 2;
  }
  return scanFields(head, bytes, at, end, true);
}

/** The minor version of `HTTP/1.x`, -1 for another major one, undefined for something else. */
function version(bytes: Uint8Array, at: number): number | undefined {
  if (
    bytes[at] !== H ||
    bytes[at + 1] !== T ||
    bytes[at + 2] !== T ||
    bytes[at + 3] !== P ||
    bytes[at + 4] !== SLASH ||
    bytes[at + 6] !== DOT
  )
    return undefined;
  const major = bytes[at + 5]! - 48;
  const minor = bytes[at + 7]! - 48;
  if (major < 0 || major > 9 || minor < 0 || minor > 9) return undefined;
  return major === 1 ? minor : -1;
}

/**
 * Scan field lines up to and with the blank line (RFC 9112, section 5): of a head, or of trailers.
 * @param lenient whether a bare LF ends a line
 */
export function scanFields(head: Head, bytes: Uint8Array, start: number, end: number, lenient: boolean): number {
  const { fields } = head;
  let at = start;
  let count = 0;
  head.fieldsStart = start;
  for (;;) {
    if (at >= end) return INCOMPLETE;
    const nameStart = at;
    while (at < end && NAME[bytes[at]!] !== 0) at++;
    if (at === end) return INCOMPLETE;
    if (at === nameStart) {
      const byte = bytes[at]!;
      if (byte === LF && lenient) head.bareLf = true;
      else if (byte !== CR)
        return bad(head, byte === LF ? 'line_end' : byte === SP || byte === HTAB ? 'fold' : 'field');
      else if (at + 1 === end) return INCOMPLETE;
      else if (bytes[at + 1] !== LF) return bad(head, 'line_end');
      head.count = count;
      head.fieldsEnd = at;
      head.end = at + (byte === LF ? 1 : 2);
      return DONE;
    }
    if (bytes[at] !== COLON) return bad(head, 'field');
    if (count === MAX_FIELDS) return bad(head, 'too_large');
    const nameEnd = at++;
    while (at < end && (bytes[at] === SP || bytes[at] === HTAB)) at++;
    const valueStart = at;
    while (at < end && VALUE[bytes[at]!] !== 0) at++;
    if (at === end) return INCOMPLETE;
    let valueEnd = at;
    while (valueEnd > valueStart && (bytes[valueEnd - 1] === SP || bytes[valueEnd - 1] === HTAB)) valueEnd--;
    if (bytes[at] === CR) {
      if (at + 1 === end) return INCOMPLETE;
      if (bytes[at + 1] !== LF) return bad(head, 'line_end');
      at += 2;
    } else if (bytes[at] === LF) {
      if (!lenient) return bad(head, 'line_end');
      head.bareLf = true;
      at += 1;
    } else return bad(head, 'field');
    const index = count++ * 4;
    fields[index] = nameStart;
    fields[index + 1] = nameEnd;
    fields[index + 2] = valueStart;
    fields[index + 3] = valueEnd;
  }
}

/** Heads on their way through: a request's for the application, a response's for the client. */
import { LF } from './bytes.ts';
import { validHost } from './host.ts';
import type { RequestHead } from './request-head.ts';
import type { Request } from './request.ts';
import type { Head, RejectReason } from './scan-head.ts';

const SLASH = 47;
const G = 71;
const E = 69;
const T = 84;

/** Whether a request's host is valid; remembers the last good one, since clients repeat themselves. */
class HostCheck {
  #last = '';

  accepts(host: string): boolean {
    if (host === this.#last) return host !== '';
    if (!validHost(host)) return false;
    this.#last = host;
    return true;
  }
}

const hosts = new HostCheck();

/** The method of a scanned request. */
function methodOf(head: Head, bytes: Buffer): string {
  // Nearly all of them are this one, which need not be made anew.
  if (
    head.methodEnd - head.start === 3 &&
    bytes[head.start] === G &&
    bytes[head.start + 1] === E &&
    bytes[head.start + 2] === T
  )
    return 'GET';
  return bytes.toString('latin1', head.start, head.methodEnd);
}

/** What a head says of a request: the same for each that has the same head. */
export interface ReadRequest {
  readonly init: ConstructorParameters<typeof Request>[0];
  readonly wire: string;
}

/**
 * What a request is made of, from its interpreted head.
 * @returns why it is refused, where it is
 */
export function readRequest(head: RequestHead, bytes: Buffer): ReadRequest | RejectReason {
  let { host } = head;
  const method = methodOf(head, bytes);
  if (method === 'CONNECT') return 'method';
  let line: string | undefined;
  if (bytes[head.targetStart] !== SLASH) {
    const resolved = resolveTarget(method, bytes.toString('latin1', head.targetStart, head.targetEnd));
    if (resolved === undefined) return 'target';
    line = `${method} ${resolved.target} HTTP/1.1\r\n`;
    // RFC 9112, section 3.2.2: the target's authority counts, and Host must say the same to the application.
    if (resolved.host !== undefined) {
      host = resolved.host;
      if (head.hostField !== -1) head.dropped[head.hostField] = 1;
      line += `Host: ${host}\r\n`;
    }
  }
  if ((host !== '' || head.hostField !== -1) && !hosts.accepts(host)) return 'host';
  if (line === undefined && head.minor !== 1)
    line = `${method} ${bytes.toString('latin1', head.targetStart, head.targetEnd)} HTTP/1.1\r\n`;
  const kept = line === undefined ? keptFrom(head, bytes, head.start) : line + keptFrom(head, bytes, head.fieldsStart);
  const wire = kept + head.framing;
  return {
    init: {
      method,
      authority: host,
      body: head.body,
      length: head.length,
      upgrade: head.upgrade,
      expectsContinue: head.expectsContinue,
      acceptsTrailers: head.acceptsTrailers,
      traced: head.traced,
    },
    wire,
  };
}

/** The bytes from `start` to the blank line, without the dropped fields. */
function keptFrom(head: RequestHead, bytes: Buffer, start: number): string {
  let text = '';
  let from = start;
  for (let field = 0; field < head.count; field++) {
    if (head.dropped[field] === 0) continue;
    const at = head.lineStart(field);
    if (at > from) text += bytes.toString('latin1', from, at);
    from = head.lineStart(field + 1);
  }
  return head.fieldsEnd > from ? text + bytes.toString('latin1', from, head.fieldsEnd) : text;
}

/** A target that is not a path: asterisk-form or absolute-form (RFC 9112, section 3.2). */
function resolveTarget(
  method: string,
  target: string,
): { readonly target: string; readonly host?: string } | undefined {
  if (target === '*') return method === 'OPTIONS' ? { target } : undefined;
  const match = /^https?:\/\/([^/?]+)(\/[^?]*)?(\?.*)?$/i.exec(target);
  if (!match) return undefined;
  const [, host, path, query = ''] = match;
  if (path === undefined && query === '' && method === 'OPTIONS') return { target: '*', host: host! };
  return { target: (path ?? '/') + query, host: host! };
}

/**
 * Edit a response's head where it lies: dropped fields go, lines are added after the status line,
 * and the head still ends at `head.end`, so that what follows it need not move.
 * @param added whole lines; the bytes need as much free room before the head
 * @returns where the head now begins
 */
export function rewriteResponse(head: Head, bytes: Buffer, added: string): number {
  let to = head.fieldsEnd;
  let runEnd = head.fieldsEnd;
  for (let field = head.count - 1; field >= -1; field--) {
    if (field >= 0 && head.dropped[field] === 0) continue;
    const runStart = field < 0 ? head.fieldsStart : head.lineStart(field + 1);
    to -= runEnd - runStart;
    if (to !== runStart) bytes.copyWithin(to, runStart, runEnd);
    if (field >= 0) runEnd = head.lineStart(field);
  }
  if (added !== '') {
    to -= added.length;
    const start = to - (head.fieldsStart - head.start);
    if (start !== head.start) bytes.copyWithin(start, head.start, head.fieldsStart);
    bytes.write(added, to, 'latin1');
    return start;
  }
  const start = to - (head.fieldsStart - head.start);
  if (start !== head.start) bytes.copyWithin(start, head.start, head.fieldsStart);
  return start;
}

/**
 * A head whose lines end in bare LFs, with CRLFs instead.
 * @param end of the head in `bytes`
 */
export function withCrlf(bytes: Buffer, start: number, end: number): string {
  let text = '';
  let from = start;
  for (let at = bytes.indexOf(LF, start); at !== -1 && at < end; at = bytes.indexOf(LF, from)) {
    text += `${bytes.toString('latin1', from, at > from && bytes[at - 1] === 13 ? at - 1 : at)}\r\n`;
    from = at + 1;
  }
  return text;
}

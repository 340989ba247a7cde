/** An HTTP/2 request's head, checked as an HTTP/1 one is (RFC 9113, section 8.3). */
import { randomBytes } from 'node:crypto';
import { TARGET, equals } from '#proxy/http/bytes.ts';
import {
  CONTENT_LENGTH,
  SPOOFED_FRAMING,
  EXPECT,
  FORWARDED,
  HOP_BY_HOP,
  HOST,
  OTHER,
  TE,
  TRACE,
  classify,
} from '#proxy/http/field-names.ts';
import { validHost } from '#proxy/http/host.ts';
import { CHUNKED, LENGTH, NO_BODY } from '#proxy/http/message.ts';
import { Request } from '#proxy/http/request.ts';
import type { RejectReason } from '#proxy/http/scan-head.ts';
import { AUTHORITY, METHOD, PATH, PROTOCOL, type FieldBlock } from '#proxy/http2/field-block.ts';

const TOKEN = /^[!#$%&'*+.^_`|~\w-]+$/;
const EXPECTS_LENGTH = /^(?:POST|PUT|PATCH)$/;
const SLASH = 47;
const C = 99;

/** The last authority that was valid: clients repeat themselves. */
let lastAuthority = '';

/**
 * @param ended the request has no body
 * @param trustsForwarded the client may say who called
 * @returns the request, or why it is refused; one that asks for a tunnel (RFC 8441) has `upgrade`
 */
export function http2Request(block: FieldBlock, ended: boolean, trustsForwarded: boolean): Request | RejectReason {
  if (block.tooLarge) return 'too_large';
  const { bytes, fields, count } = block;
  const method = block.pseudo(METHOD);
  const tunnel = block.has(PROTOCOL);
  if (method !== 'GET' && !TOKEN.test(method)) return 'method';
  if (method === 'CONNECT' && (!tunnel || block.pseudo(PROTOCOL) !== 'websocket')) return 'method';
  const target = block.pseudo(PATH);
  if (!isPath(block) && !(target === '*' && method === 'OPTIONS')) return 'target';

  let authority = block.pseudo(AUTHORITY);
  let kept = '';
  let from = block.fieldsStart;
  let cookies = '';
  let cookieFields = 0;
  let expectsContinue = false;
  let acceptsTrailers = false;
  let traced = false;
  for (let field = 0; field < count; field++) {
    const start = fields[field * 4]!;
    const nameEnd = fields[field * 4 + 1]!;
    switch (classify(bytes, start, nameEnd)) {
      case OTHER:
        // RFC 9113, section 8.2.3: where it came in several fields, HTTP/1 gets it in one.
        if (bytes[start] !== C || !equals(bytes, start, nameEnd, 'cookie')) continue;
        cookies += cookieFields++ === 0 ? block.value(field) : `; ${block.value(field)}`;
        break;
      case CONTENT_LENGTH:
        if (!tunnel) continue;
        break;
      case HOST:
        if (authority === '') authority = block.value(field);
        else if (authority !== block.value(field)) return 'host';
        break;
      case FORWARDED:
        if (trustsForwarded) continue;
        break;
      case TRACE:
        traced = true;
        continue;
      case TE:
        acceptsTrailers = true;
        break;
      case EXPECT:
        if (!equals(bytes, fields[field * 4 + 2]!, fields[field * 4 + 3]!, '100-continue')) return 'expect';
        expectsContinue = true;
        break;
      case HOP_BY_HOP:
        break;
      case SPOOFED_FRAMING:
        return 'framing';
      default:
        continue;
    }
    // This field is left out: what stands before it is kept.
    if (start > from) kept += bytes.toString('latin1', from, start);
    from = block.lineStart(field + 1);
  }
  if (block.fieldsEnd > from) kept += bytes.toString('latin1', from, block.fieldsEnd);
  if (cookieFields > 0) kept += `cookie: ${cookies}\r\n`;
  if (authority !== lastAuthority || authority === '') {
    if (!validHost(authority)) return 'host';
    lastAuthority = authority;
  }

  const length = block.contentLength;
  if (tunnel) kept += `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n`;
  else if (length === -1) {
    if (!ended) kept += 'Transfer-Encoding: chunked\r\n';
    else if (EXPECTS_LENGTH.test(method)) kept += 'Content-Length: 0\r\n';
  }
  const sent = tunnel ? 'GET' : method;
  return new Request(
    {
      method: sent,
      target,
      authority,
      body: ended || tunnel || length === 0 ? NO_BODY : length > 0 ? LENGTH : CHUNKED,
      length: Math.max(length, 0),
      upgrade: tunnel ? 'websocket' : '',
      expectsContinue,
      acceptsTrailers,
      traced,
    },
    `${sent} ${target} HTTP/1.1\r\nHost: ${authority}\r\n${kept}`,
  );
}

/** Whether `:path` is a path with or without a query, of bytes that HTTP/1 allows there. */
function isPath(block: FieldBlock): boolean {
  const { bytes } = block;
  const start = block.start(PATH);
  const end = block.end(PATH);
  if (bytes[start] !== SLASH) return false;
  for (let at = start; at < end; at++) if (TARGET[bytes[at]!] === 0) return false;
  return true;
}

/** An HTTP/2 request's head, as node:http2 gives it, checked (RFC 9113, section 8.3). */
import { randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http2';
import {
  CONNECTION,
  CONTENT_LENGTH,
  DISGUISED,
  EXPECT,
  FORWARDED,
  HOP_BY_HOP,
  HOST,
  TE,
  TRANSFER_ENCODING,
  UPGRADE,
  kindOf,
} from '#proxy/http/field-names.ts';
import { validHost } from '#proxy/http/host.ts';
import { CHUNKED, LENGTH, NO_BODY } from '#proxy/http/message.ts';
import { Request } from '#proxy/http/request.ts';
import type { RejectReason } from '#proxy/http/scan-head.ts';

const PATH = /^\/[\x21\x22\x24-\x7e\x80-\xff]*$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const NAME = /^[!#$%&'*+.^_`|~\w-]+$/;

/**
 * @param headers as node:http2 gives them
 * @param ended the request has no body
 * @param trustsForwarded the client may say who called
 * @returns the request, or why it is refused; one that asks for a tunnel (RFC 8441) has `upgrade`
 */
export function http2Request(
  headers: IncomingHttpHeaders,
  ended: boolean,
  trustsForwarded: boolean,
): Request | RejectReason {
  const method = headers[':method'] ?? '';
  const protocol = headers[':protocol'] as string | undefined;
  const tunnel = method === 'CONNECT' && protocol !== undefined;
  if (!NAME.test(method) || (method === 'CONNECT' && protocol !== 'websocket')) return 'method';
  const target = headers[':path'] ?? '';
  if (!PATH.test(target) && !(target === '*' && method === 'OPTIONS')) return 'target';
  const authority = headers[':authority'] ?? headers.host ?? '';
  if (!validHost(authority) || (headers.host !== undefined && headers.host !== authority)) return 'host';

  let lines = '';
  let length = -1;
  let expectsContinue = false;
  let acceptsTrailers = false;
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith(':') || value === undefined) continue;
    switch (kindOf(name)) {
      case CONTENT_LENGTH:
        if (!/^\d{1,15}$/.test(String(value))) return 'framing';
        length = Number(value);
        continue;
      case HOST:
      case HOP_BY_HOP:
      case CONNECTION:
      case UPGRADE:
        continue;
      case FORWARDED:
        if (!trustsForwarded) continue;
        break;
      case TE:
        acceptsTrailers = String(value) === 'trailers';
        continue;
      case TRANSFER_ENCODING:
      case DISGUISED:
        return 'framing';
      case EXPECT:
        expectsContinue = true;
        continue;
    }
    for (const each of Array.isArray(value) ? value : [value]) {
      if (!NAME.test(name) || !VALUE.test(each)) return 'field';
      lines += `${name}: ${each}\r\n`;
    }
  }
  if (ended && length > 0) return 'framing';
  if (tunnel) lines += `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n`;
  return new Request({
    method: tunnel ? 'GET' : method,
    target,
    authority,
    lines,
    body: ended || tunnel || length === 0 ? NO_BODY : length > 0 ? LENGTH : CHUNKED,
    length: Math.max(length, 0),
    upgrade: tunnel ? 'websocket' : '',
    expectsContinue,
    acceptsTrailers,
  });
}

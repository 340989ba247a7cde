/** An HTTP/2 request's head as HTTP/1.1 for the application (RFC 9113, section 8.3). */
import { randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http2';
import {
  CONNECTION,
  CONTENT_LENGTH,
  DISGUISED,
  EXPECT,
  HOP_BY_HOP,
  HOST,
  OURS,
  TRANSFER_ENCODING,
  UPGRADE,
  classify,
} from '../http1/field-names.ts';
import type { RequestRewrite } from '../http1/rewrite.ts';
import type { Fault } from '../http1/scan-head.ts';
import { validHost } from '../http1/host.ts';

const PATH = /^\/[\x21\x22\x24-\x7e\x80-\xff]*$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const NAME = /^[!#$%&'*+.^_`|~\w-]+$/;

export interface Http2Request {
  readonly method: string;
  readonly text: string;
  /** As the client declared it; -1 for none. */
  readonly length: number;
  /** Extended CONNECT (RFC 8441): what is asked for is a tunnel. */
  readonly tunnel: boolean;
}

/**
 * @param headers as node:http2 gives them
 * @param ended the request has no body
 * @returns the head as Latin-1 text, or why the request is refused
 */
export function http2Request(
  headers: IncomingHttpHeaders,
  ended: boolean,
  rewrite: Omit<RequestRewrite, 'fallbackHost'>,
): Http2Request | { readonly fault: Fault } {
  const method = headers[':method'] ?? '';
  const protocol = headers[':protocol'] as string | undefined;
  const tunnel = method === 'CONNECT' && protocol !== undefined;
  if (!NAME.test(method) || (method === 'CONNECT' && protocol !== 'websocket')) return { fault: 'method' };
  const path = headers[':path'] ?? '';
  if (!PATH.test(path) && !(path === '*' && method === 'OPTIONS')) return { fault: 'target' };
  const host = headers[':authority'] ?? headers.host ?? '';
  if (!validHost(host) || (headers.host !== undefined && headers.host !== host)) return { fault: 'host' };

  let text = `${tunnel ? 'GET' : method} ${path} HTTP/1.1\r\nHost: ${host}\r\n`;
  let length = -1;
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith(':') || value === undefined) continue;
    switch (kindOf(name)) {
      case CONTENT_LENGTH:
        length = /^\d{1,15}$/.test(String(value)) ? Number(value) : -2;
        continue;
      case HOST:
      case HOP_BY_HOP:
      case OURS:
      case CONNECTION:
      case UPGRADE:
        continue;
      case TRANSFER_ENCODING:
      case DISGUISED:
        return { fault: 'framing' };
      case EXPECT:
        if (rewrite.dropExpect) continue;
    }
    for (const each of Array.isArray(value) ? value : [value]) {
      if (!NAME.test(name) || !VALUE.test(each)) return { fault: 'field' };
      text += `${name}: ${each}\r\n`;
    }
  }
  if (length === -2 || (ended && length > 0)) return { fault: 'framing' };
  if (tunnel)
    text += `Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n`;
  else {
    if (length >= 0) text += `Content-Length: ${length}\r\n`;
    else if (!ended) text += 'Transfer-Encoding: chunked\r\n';
    else if (/^(?:POST|PUT|PATCH)$/.test(method)) text += 'Content-Length: 0\r\n';
    if (rewrite.close) text += 'Connection: close\r\n';
  }
  return { method, text: `${text}${rewrite.fields(host)}\r\n`, length, tunnel };
}

const kinds = new Map<string, number>();
const MAX_KINDS = 1024;

/** `classify` for a name as text, remembered. */
export function kindOf(name: string): number {
  const known = kinds.get(name);
  if (known !== undefined) return known;
  const bytes = Buffer.from(name, 'latin1');
  const kind = classify(bytes, 0, bytes.length);
  if (kinds.size < MAX_KINDS) kinds.set(name, kind);
  return kind;
}

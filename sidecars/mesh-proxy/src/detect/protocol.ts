/** What is spoken on a connection, by its first bytes. */
import { CR, HTAB, LF, NAME, SP } from '#proxy/http/bytes.ts';
import { readClientHello } from './client-hello.ts';

export type DetectedProtocol =
  | { readonly protocol: 'http/1.1' | 'h2' | 'tcp' }
  | { readonly protocol: 'tls'; readonly serverName: string | undefined; readonly alpn: readonly string[] };

/** RFC 9113, section 3.4. */
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
/** The longest registered method has 17 letters. */
const MAX_METHOD = 24;
/** No protocol begins with as many empty lines and blanks as this. */
const MAX_EMPTY = 64;
/** The first line of a request whose target has no usual form, in bytes. */
const MAX_LINE = 4096;
const VERSION = /[ \t]HTTP\/\d/;
/** So much is kept until it is clear what is spoken, in bytes. */
export const MAX_FIRST = 40 * 1024;

const TCP: DetectedProtocol = { protocol: 'tcp' };
const HTTP1: DetectedProtocol = { protocol: 'http/1.1' };
const HTTP2: DetectedProtocol = { protocol: 'h2' };

/** Protocols whose servers speak first, or that TLS begins within: nothing is found out there (Istio's and Linkerd's lists). */
export const OPAQUE_PORTS: ReadonlySet<number> = new Set([25, 587, 3306, 4444, 5432, 6379, 9300, 11211]);

/** Those of them where the client speaks first: PostgreSQL, Redis, Elasticsearch's transport, memcached. */
export const CLIENT_FIRST_PORTS: ReadonlySet<number> = new Set([5432, 6379, 9300, 11211]);

/** @returns undefined when more bytes are needed */
export function detectProtocol(bytes: Buffer): DetectedProtocol | undefined {
  if (bytes.length === 0) return undefined;
  if (bytes[0] === 22) {
    const hello = readClientHello(bytes);
    if (hello === undefined) return bytes.length < MAX_FIRST ? undefined : TCP;
    return hello === 'none' ? TCP : { protocol: 'tls', ...hello };
  }
  const common = Math.min(bytes.length, PREFACE.length);
  if (PREFACE.compare(bytes, 0, common, 0, common) === 0) {
    if (common === PREFACE.length) return HTTP2;
    // `PRI ` alone is a method of HTTP/1 as well, but nobody's.
    return undefined;
  }
  return http1In(bytes);
}

/**
 * A method, a blank, and the beginning of a target (RFC 9112, section 3). CONNECT makes a tunnel of it all. What servers
 * read more loosely than the RFC is HTTP as well, so that it is refused as such: empty lines and blanks before the
 * method, more than one blank behind it, and a target of any form where the line names a version.
 */
function http1In(bytes: Buffer): DetectedProtocol | undefined {
  let start = 0;
  while (start < bytes.length && start < MAX_EMPTY && isBlank(bytes[start]!)) start++;
  if (start === MAX_EMPTY) return HTTP1;
  let at = start;
  while (at < bytes.length && NAME[bytes[at]!] !== 0) at++;
  if (at - start > MAX_METHOD) return TCP;
  if (at >= bytes.length) return undefined;
  if (at === start || (bytes[at] !== SP && bytes[at] !== HTAB)) return TCP;
  if (bytes.toString('latin1', start, at) === 'CONNECT') return TCP;
  while (at < bytes.length && (bytes[at] === SP || bytes[at] === HTAB)) at++;
  if (at === bytes.length) return at - start > MAX_LINE ? TCP : undefined;
  if (/[/*h]/i.test(String.fromCharCode(bytes[at]!))) return HTTP1;
  const end = bytes.indexOf(LF, at);
  if (end === -1) return bytes.length - start > MAX_LINE ? TCP : undefined;
  return VERSION.test(bytes.toString('latin1', at, end)) ? HTTP1 : TCP;
}

const isBlank = (byte: number): boolean => byte === CR || byte === LF || byte === SP || byte === HTAB;

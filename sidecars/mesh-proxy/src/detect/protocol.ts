/** What is spoken on a connection, by its first bytes. */
import { NAME, SP } from '#proxy/http/bytes.ts';
import { readClientHello } from './client-hello.ts';

export type Spoken =
  | { readonly protocol: 'http/1.1' | 'h2' | 'tcp' }
  | { readonly protocol: 'tls'; readonly serverName: string | undefined; readonly alpn: readonly string[] };

/** RFC 9113, section 3.4. */
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
/** The longest registered method has 17 letters. */
const MAX_METHOD = 24;
/** So much is kept until it is clear what is spoken, in bytes. */
export const MAX_FIRST = 40 * 1024;

const TCP: Spoken = { protocol: 'tcp' };
const HTTP1: Spoken = { protocol: 'http/1.1' };
const HTTP2: Spoken = { protocol: 'h2' };

/** Protocols whose servers speak first, or that TLS begins within: nothing is found out there (Istio's and Linkerd's lists). */
export const OPAQUE_PORTS: ReadonlySet<number> = new Set([25, 587, 3306, 4444, 5432, 6379, 9300, 11211]);

/** Those of them where the client speaks first: PostgreSQL, Redis, Elasticsearch's transport, memcached. */
export const CLIENT_FIRST_PORTS: ReadonlySet<number> = new Set([5432, 6379, 9300, 11211]);

/** @returns undefined when more bytes are needed */
export function spokenIn(bytes: Buffer): Spoken | undefined {
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

/** A method, a blank, and the beginning of a target (RFC 9112, section 3); CONNECT makes a tunnel of it all. */
function http1In(bytes: Buffer): Spoken | undefined {
  // RFC 9112, section 2.2: one empty line before a request is ignored.
  const start = bytes[0] === 13 ? 2 : 0;
  if (start > 0 && bytes.length > 1 && bytes[1] !== 10) return TCP;
  let at = start;
  while (at < bytes.length && NAME[bytes[at]!] !== 0) at++;
  if (at - start > MAX_METHOD) return TCP;
  if (at >= bytes.length) return undefined;
  if (at === start || bytes[at] !== SP) return TCP;
  if (at + 1 === bytes.length) return undefined;
  const target = String.fromCharCode(bytes[at + 1]!);
  if (!/[/*h]/i.test(target) || bytes.toString('latin1', start, at) === 'CONNECT') return TCP;
  return HTTP1;
}

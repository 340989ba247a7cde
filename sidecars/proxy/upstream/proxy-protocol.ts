/**
 * The PROXY protocol's binary header, version 2: tells an application that knows it who called.
 * https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt
 */
import { isIPv6 } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { plainAddress } from '#proxy/sockets/connection.ts';

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const PROXY_V2 = 0x21;
const LOCAL_V2 = 0x20;
const TCP4 = 0x11;
const TCP6 = 0x21;

const ALPN = 0x01;
const AUTHORITY = 0x02;
const SSL = 0x20;
const SSL_VERSION = 0x21;
const SSL_CN = 0x22;
const SSL_CIPHER = 0x23;
const CLIENT_SSL = 0x01;
const CLIENT_CERT_CONN = 0x02;

export interface ConnectionAddresses {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
}

export interface TlsFacts {
  /** As OpenSSL names it: `TLSv1.3`. */
  readonly version: string;
  readonly cipher: string;
  readonly serverName?: string;
  readonly alpn?: string;
  /** The client showed a certificate that was verified. */
  readonly verified: boolean;
  readonly commonName?: string;
}

/**
 * The header of one connection.
 * @param ends addresses without IPv4-mapped prefix; undefined where they are no longer known
 */
export function proxyHeader(ends: ConnectionAddresses | undefined, tls: TlsFacts): Buffer {
  if (ends === undefined) return Buffer.concat([SIGNATURE, Buffer.from([LOCAL_V2, 0, 0, 0])]);
  const v6 = isIPv6(ends.remoteAddress) || isIPv6(ends.localAddress);
  const pack = v6 ? packIPv6 : packIPv4;
  const ports = Buffer.alloc(4);
  ports.writeUInt16BE(ends.remotePort, 0);
  ports.writeUInt16BE(ends.localPort, 2);
  const flags = CLIENT_SSL | (tls.verified ? CLIENT_CERT_CONN : 0);
  const ssl = Buffer.concat([
    // The verify field is 0 only for a certificate that was shown and verified.
    Buffer.from([flags, 0, 0, 0, tls.verified ? 0 : 1]),
    tlv(SSL_VERSION, tls.version),
    tlv(SSL_CIPHER, tls.cipher),
    tls.commonName === undefined ? Buffer.alloc(0) : tlv(SSL_CN, tls.commonName),
  ]);
  const rest = Buffer.concat([
    pack(ends.remoteAddress),
    pack(ends.localAddress),
    ports,
    tls.alpn === undefined ? Buffer.alloc(0) : tlv(ALPN, tls.alpn),
    tls.serverName === undefined ? Buffer.alloc(0) : tlv(AUTHORITY, tls.serverName),
    tlv(SSL, ssl),
  ]);
  const size = Buffer.alloc(2);
  size.writeUInt16BE(rest.length);
  return Buffer.concat([SIGNATURE, Buffer.from([PROXY_V2, v6 ? TCP6 : TCP4]), size, rest]);
}

function tlv(type: number, value: string | Buffer): Buffer {
  const bytes = Buffer.from(value as string);
  return Buffer.concat([Buffer.from([type, bytes.length >> 8, bytes.length & 255]), bytes]);
}

function packIPv4(address: string): Buffer {
  return Buffer.from(address.split('.').map(Number));
}

function packIPv6(address: string): Buffer {
  const bare = address.split('%', 1)[0]!;
  if (!bare.includes(':')) return Buffer.concat([Buffer.from('00000000000000000000ffff', 'hex'), packIPv4(bare)]);
  const [head = '', tail] = bare.split('::');
  const words = (part: string): number[] =>
    part === ''
      ? []
      : part.split(':').flatMap((word) => {
          if (!word.includes('.')) return [parseInt(word, 16)];
          const [a = 0, b = 0, c = 0, d = 0] = word.split('.').map(Number);
          return [a * 256 + b, c * 256 + d];
        });
  const left = words(head);
  const right = tail === undefined ? [] : words(tail);
  const all = [...left, ...Array.from({ length: 8 - left.length - right.length }, () => 0), ...right];
  const bytes = Buffer.alloc(16);
  for (const [index, word] of all.entries()) bytes.writeUInt16BE(word, index * 2);
  return bytes;
}

/**
 * The header for a client's connection.
 * @param verified the client's certificate was verified and allowed
 */
export function proxyHeaderOf(socket: TLSSocket, verified: boolean): Buffer {
  const { remoteAddress, remotePort, localAddress, localPort } = socket;
  const known =
    remoteAddress !== undefined && remotePort !== undefined && localAddress !== undefined && localPort !== undefined;
  const ends = known
    ? { remoteAddress: plainAddress(remoteAddress), remotePort, localAddress: plainAddress(localAddress), localPort }
    : undefined;
  const serverName: unknown = socket.servername;
  const commonName: unknown = verified ? socket.getPeerCertificate().subject.CN : undefined;
  return proxyHeader(ends, {
    version: socket.getProtocol() ?? 'unknown',
    cipher: socket.getCipher().name,
    verified,
    ...(typeof serverName === 'string' && serverName !== '' && { serverName }),
    ...(typeof socket.alpnProtocol === 'string' && { alpn: socket.alpnProtocol }),
    ...(typeof commonName === 'string' && { commonName }),
  });
}

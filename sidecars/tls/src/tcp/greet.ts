/** The PROXY protocol header for a client's connection. */
import type { TLSSocket } from 'node:tls';
import { plainAddress } from '../client.ts';
import { proxyHeader } from './proxy-protocol.ts';

/** @param verified the client's certificate was verified and allowed */
export function greet(socket: TLSSocket, verified: boolean): Buffer {
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

/** Who is on the other side of mTLS. */
import type { X509Certificate } from 'node:crypto';
import { parseAltNames } from '#proxy/tls/subject-alt-names.ts';
import { xfccElement } from '#proxy/tls/xfcc.ts';
import { parseSpiffeId, type SpiffeId } from './spiffe-id.ts';

export interface Peer {
  readonly id: SpiffeId;
  /** An X-Forwarded-Client-Cert element. */
  readonly xfcc: string;
  /** The release that it says it is of. */
  readonly version?: string | undefined;
}

/**
 * Read a certificate that the handshake has verified.
 * @returns the peer, or a sentence that says why it is none
 */
export function peerOf(certificate: X509Certificate, trustDomain: string): Peer | string {
  const names = parseAltNames(certificate.subjectAltName);
  const uris = names.filter(({ type }) => type === 'URI');
  // SPIFFE's X509-SVID, section 2: exactly one URI.
  if (uris.length !== 1) return `its certificate has ${uris.length} URIs, where an identity is exactly one`;
  const id = parseSpiffeId(uris[0]!.value);
  if (id === undefined) return `its certificate's URI is no SPIFFE id`;
  if (id.trustDomain !== trustDomain) return `it is of the trust domain ${id.trustDomain}, and this is ${trustDomain}`;
  return { id, xfcc: xfccElement(certificate, names) };
}

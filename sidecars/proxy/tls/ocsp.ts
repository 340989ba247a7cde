/** OCSP responses for stapling (RFC 6960, section 4.2.1): looked at before a client is shown one. */
import {
  context,
  derElement,
  derElements,
  derTime,
  ENUMERATED,
  GENERALIZED_TIME,
  INTEGER,
  OCTET_STRING,
  SEQUENCE,
} from './der.ts';

/** What a response says of one certificate. */
export interface OcspStatus {
  /** The certificate's serial number, as `X509Certificate.serialNumber` writes it. */
  readonly serial: string;
  readonly status: 'good' | 'revoked' | 'unknown';
  /** Milliseconds since the epoch. */
  readonly thisUpdate: number;
  /** Milliseconds since the epoch; undefined when newer information is always available. */
  readonly nextUpdate: number | undefined;
}

const STATUSES: Readonly<Record<number, OcspStatus['status']>> = { 0x80: 'good', 0xa1: 'revoked', 0x82: 'unknown' };

/**
 * Read a DER response. Its signature is the client's to verify.
 * @throws {Error} whose message continues a sentence that begins with the file's name
 */
export function readOcspResponse(bytes: Buffer): OcspStatus[] {
  const [status, wrapped] = derElements(derElement(bytes, SEQUENCE));
  if (status?.tag !== ENUMERATED || status.content.length !== 1) throw new Error('is no OCSP response');
  if (status.content[0] !== 0) throw new Error(`holds the answer of a responder that failed (${status.content[0]})`);
  if (wrapped?.tag !== context(0)) throw new Error('is no OCSP response');
  const [, octets] = derElements(derElement(wrapped.content, SEQUENCE));
  if (octets?.tag !== OCTET_STRING) throw new Error('is no OCSP response');
  const [data] = derElements(derElement(octets.content, SEQUENCE));
  if (data?.tag !== SEQUENCE) throw new Error('is no OCSP response');
  // [0] version, responderID, producedAt, responses, [1] extensions
  const responses = derElements(data.content).find(({ tag }) => tag === SEQUENCE);
  if (!responses) throw new Error('holds no response');
  return derElements(responses.content).map(({ content }) => {
    const [id, state, thisUpdate, next] = derElements(content);
    const serial = id && derElements(id.content)[3];
    const known = state && STATUSES[state.tag];
    if (serial?.tag !== INTEGER || known === undefined || thisUpdate?.tag !== GENERALIZED_TIME)
      throw new Error('holds a malformed response');
    const [nextTime] = next?.tag === context(0) ? derElements(next.content) : [];
    return {
      serial: serial.content
        .toString('hex')
        .replace(/^(?:00)+(?=.)/, '')
        .toUpperCase(),
      status: known,
      thisUpdate: derTime(thisUpdate),
      nextUpdate: nextTime && derTime(nextTime),
    };
  });
}

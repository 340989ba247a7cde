/** Certificate revocation lists (RFC 5280, section 5) out of PEM text. */
import { derElement, derElements, derTime, GENERALIZED_TIME, SEQUENCE, UTC_TIME } from './der.ts';

const BEGIN = '-----BEGIN X509 CRL-----';
const BLOCK = /-----BEGIN X509 CRL-----([^-]*)-----END X509 CRL-----/g;

export interface Crl {
  readonly pem: string;
  /** When the next list should be there, in milliseconds since the epoch. */
  readonly nextUpdate: number | undefined;
}

/**
 * Every list of a PEM file, in its order.
 * @throws {Error} whose message continues a sentence that begins with the file's name
 */
export function crlsIn(text: string): Crl[] {
  const begun = text.split(BEGIN).length - 1;
  const blocks = [...text.matchAll(BLOCK)];
  if (begun === 0) throw new Error('holds no PEM revocation list');
  if (blocks.length !== begun) throw new Error('is cut short: a revocation list begins and does not end');
  return blocks.map(([pem, base64], index) => {
    try {
      return { pem, nextUpdate: nextUpdateOf(Buffer.from(base64!, 'base64')) };
    } catch {
      throw new Error(`holds a malformed revocation list (number ${index + 1} of ${begun})`);
    }
  });
}

function nextUpdateOf(der: Buffer): number | undefined {
  const [list] = derElements(derElement(der, SEQUENCE));
  if (list?.tag !== SEQUENCE) throw new Error('is no revocation list');
  // version, algorithm, issuer, thisUpdate, nextUpdate, revoked certificates, [0] extensions
  const times = derElements(list.content).filter(({ tag }) => tag === UTC_TIME || tag === GENERALIZED_TIME);
  if (times.length === 0 || times.length > 2) throw new Error('is no revocation list');
  return times[1] && derTime(times[1]);
}

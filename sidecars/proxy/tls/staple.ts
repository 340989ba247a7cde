/** OCSP stapling: which response goes with a certificate, and for how long (RFC 6066, section 8; RFC 6960). */
import type { X509Certificate } from 'node:crypto';
import { readOcspResponse } from './ocsp.ts';

/** An OCSP response that clients may be shown. */
export interface Staple {
  /** DER. */
  readonly response: Buffer;
  /** Milliseconds since the epoch. */
  readonly until: number;
}

/** How far an issuer's clock may be ahead of ours, in milliseconds. */
export const CLOCK_TOLERANCE = 60_000;

/**
 * Decide whether an OCSP response is stapled to a certificate. A wrong staple costs more than none, since clients close
 * the connection on it: it is left out, with a warning.
 * @param certFile the certificate's path
 * @param ocsp DER, where a response lies beside it
 * @param now milliseconds since the epoch
 * @returns the staple, and a warning when something is wrong with the response
 */
export function stapleOf(
  { certFile, ocsp }: { readonly certFile: string; readonly ocsp?: Buffer },
  leaf: X509Certificate,
  now: number,
): { staple?: Staple; wrong?: string } {
  if (ocsp === undefined) return {};
  const wrong = (why: string): { wrong: string } => ({ wrong: `its OCSP response ${why} and is not stapled` });
  try {
    const found = readOcspResponse(ocsp).find(({ serial }) => serial === leaf.serialNumber);
    if (!found) return wrong(`is for another certificate than ${certFile}`);
    const { nextUpdate = Infinity, thisUpdate, status } = found;
    if (nextUpdate <= now) return wrong(`is outdated since ${new Date(nextUpdate).toISOString()}`);
    if (thisUpdate > now + CLOCK_TOLERANCE) return wrong(`is of the future (${new Date(thisUpdate).toISOString()})`);
    if (status !== 'good')
      return {
        staple: { response: ocsp, until: nextUpdate },
        wrong: `the certificate is ${status}, as its OCSP response says`,
      };
    return { staple: { response: ocsp, until: nextUpdate } };
  } catch (error) {
    return wrong((error as Error).message);
  }
}

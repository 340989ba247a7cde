/**
 * The client's identity as a header: one element of Envoy's x-forwarded-client-cert,
 * `Hash=…;Subject="…";URI=…;DNS=…`.
 * https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/headers#x-forwarded-client-cert
 *
 * Names in it come from a certificate, so anybody who can have one signed chooses them. The output is
 * printable ASCII with no quote inside a quoted value, whatever the names hold: a reader that knows
 * nothing of backslashes still finds the right end.
 */
import type { X509Certificate } from 'node:crypto';
import { normalizeDnsName, type AltName } from './subject-alt-names.ts';

const hex = (text: string, before: string): string =>
  [...Buffer.from(text)].map((byte) => before + byte.toString(16).toUpperCase().padStart(2, '0')).join('');

/**
 * A distinguished name in RFC 2253's form, most specific part first.
 * @param subject `X509Certificate.subject`: one RDN a line, ` + ` between the parts of one, values escaped as RFC 2253 says
 * @returns text in which every special or non-ASCII character stands as `\XX` (RFC 2253, 2.4)
 */
export function distinguishedName(subject: string | undefined): string {
  const rdns = (subject ?? '').split('\n').filter((line) => line !== '');
  return rdns
    .toReversed()
    .map((rdn) => rdn.replace(/\\([0-9A-Fa-f]{2})|\\(.)| (\+) |([^\x20-\x7e]+)|(["\\;])/gsu, escape))
    .join(',');
}

function escape(
  _: string,
  escapedHex?: string,
  escaped?: string,
  plus?: string,
  foreign?: string,
  bare?: string,
): string {
  if (plus !== undefined) return plus;
  return escapedHex === undefined ? hex(escaped ?? foreign ?? bare!, '\\') : `\\${escapedHex.toUpperCase()}`;
}

/**
 * The header element of one certificate.
 * @param peer the verified client certificate
 * @param altNames its subject alternative names
 */
export function xfccElement(peer: X509Certificate, altNames: readonly AltName[]): string {
  const pairs = [
    `Hash=${peer.fingerprint256.replaceAll(':', '').toLowerCase()}`,
    // Node says undefined for an empty subject, whatever its types say.
    `Subject="${distinguishedName(peer.subject as string | undefined)}"`,
  ];
  for (const { type, value } of altNames) {
    if (type === 'URI') pairs.push(`URI=${quoteUri(value)}`);
    const host = type === 'DNS' ? normalizeDnsName(value) : undefined;
    if (host !== undefined) pairs.push(`DNS=${host}`);
  }
  return pairs.join(';');
}

/** Characters that no URI holds are percent-encoded; those that divide the header are quoted. */
function quoteUri(uri: string): string {
  const safe = uri.replace(/[^\w\-.~:/?#[\]@!$&'()*+,;=%]/gu, (character) => hex(character, '%'));
  return /[,;=]/.test(safe) ? `"${safe}"` : safe;
}

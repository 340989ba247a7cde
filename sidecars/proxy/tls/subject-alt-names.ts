/**
 * Subject alternative names out of Node's text for them.
 *
 * Node writes `DNS:a.example, URI:"spiffe://b, c"`: a value that holds a comma, quote, backslash,
 * control or non-ASCII character stands as a JSON string (since the fix of CVE-2021-44532, where a
 * name with a comma in it could pass for two). So the text is read by that grammar from its start to
 * its end, and never split at commas; anything else in it is an error, not a name.
 */

/** One name: `{type: 'DNS', value: 'a.example'}`; types as OpenSSL writes them. */
export interface AltName {
  readonly type: string;
  readonly value: string;
}

const ENTRY = /([A-Za-z][A-Za-z0-9 ]*):(?:("(?:[^"\\]|\\.)*")|([^",]*))(?:, |$)/y;

/**
 * @param text `X509Certificate.subjectAltName`; undefined when there is none
 * @returns the names in their order
 * @throws {Error} when the text does not follow the grammar
 */
export function parseAltNames(text: string | undefined): AltName[] {
  const names: AltName[] = [];
  if (text === undefined) return names;
  ENTRY.lastIndex = 0;
  while (ENTRY.lastIndex < text.length) {
    const match = ENTRY.exec(text);
    if (!match) throw new Error('subject alternative names that cannot be read');
    const [, type, quoted, plain] = match;
    names.push({ type: type!, value: quoted === undefined ? plain! : unquote(quoted) });
  }
  return names;
}

function unquote(quoted: string): string {
  const value: unknown = JSON.parse(quoted);
  return String(value);
}

const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;

/**
 * A DNS name as it is compared: ASCII lower case, without a trailing dot.
 * @param name from a certificate, a pattern or SNI; U-labels are not accepted, since A-labels are what certificates and SNI hold
 * @returns undefined when it is no host name; a leading `*.` is kept
 */
export function normalizeDnsName(name: string): string | undefined {
  const lower = name.replace(/[A-Z]/g, (letter) => letter.toLowerCase()).replace(/\.$/, '');
  const labels = lower.split('.');
  if (lower.length > 253) return undefined;
  if (labels[0] === '*' && labels.length > 1) labels.shift();
  return labels.every((label) => LABEL.test(label)) ? lower : undefined;
}

/** `www.example.org` → `*.example.org`: the one wildcard that covers a host name (RFC 6125, 6.4.3). */
export const wildcardOf = (host: string): string => host.replace(/^[^.]+/, '*');

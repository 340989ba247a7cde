/** Certificates and keys out of PEM text, with what was wrong said in words. */
import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/**
 * Every certificate of a PEM file, in its order; text between them is skipped, as OpenSSL does.
 * @throws {Error} whose message continues a sentence that begins with the file's name
 */
export function certificatesIn(text: string): X509Certificate[] {
  const begun = text.split('-----BEGIN CERTIFICATE-----').length - 1;
  const blocks = text.match(BLOCK) ?? [];
  if (begun === 0) throw new Error('holds no PEM certificate');
  if (blocks.length !== begun) throw new Error('is cut short: a certificate begins and does not end');
  return blocks.map((block, index) => {
    try {
      return new X509Certificate(block);
    } catch {
      throw new Error(`holds a malformed certificate (number ${index + 1} of ${begun})`);
    }
  });
}

/**
 * The private key of a PEM file: PKCS#8, or the older RSA and EC forms.
 * @throws {Error} whose message continues a sentence that begins with the file's name; no part of the file is in it
 */
export function privateKeyIn(text: string): KeyObject {
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(text))
    throw new Error('is encrypted, and nobody is here to type its passphrase');
  if (!/-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----/.test(text)) throw new Error('holds no PEM private key');
  try {
    return createPrivateKey(text);
  } catch {
    throw new Error('holds a malformed private key');
  }
}

/** A key, and the request for a certificate of it: PKCS#10 (RFC 2986) with nothing but the key. */
import { generateKeyPair, sign, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';

export interface KeyAndRequest {
  /** PEM, PKCS#8; it never leaves the proxy. */
  readonly key: string;
  /** PEM. */
  readonly request: string;
}

const SEQUENCE = 0x30;
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const ATTRIBUTES = 0xa0;
/** ecdsa-with-SHA256, 1.2.840.10045.4.3.2 (RFC 5758, 3.2), as a whole AlgorithmIdentifier. */
const ECDSA_SHA256 = Buffer.from('300a06082a8648ce3d040302', 'hex');

/** Make an EC P-256 key and a request that it has signed. The control plane says whom the certificate is for. */
export async function makeRequest(): Promise<KeyAndRequest> {
  const { privateKey, publicKey } = await promisify(generateKeyPair)('ec', { namedCurve: 'P-256' });
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    request: requestOf(publicKey, privateKey),
  };
}

function requestOf(publicKey: KeyObject, privateKey: KeyObject): string {
  const info = der(
    SEQUENCE,
    der(INTEGER, Buffer.from([0])),
    der(SEQUENCE),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(ATTRIBUTES),
  );
  // The first byte of a bit string counts bits that are not used.
  const signature = der(BIT_STRING, Buffer.from([0]), sign('sha256', info, privateKey));
  const request = der(SEQUENCE, info, ECDSA_SHA256, signature).toString('base64');
  return `-----BEGIN CERTIFICATE REQUEST-----\n${request.replaceAll(/.{64}/g, '$&\n').trimEnd()}\n-----END CERTIFICATE REQUEST-----\n`;
}

/** Tag, length, content (X.690, 8.1); nothing here is longer than two bytes can tell. */
function der(tag: number, ...content: Buffer[]): Buffer {
  const body = Buffer.concat(content);
  const length =
    body.length < 0x80
      ? [body.length]
      : body.length < 0x100
        ? [0x81, body.length]
        : [0x82, body.length >> 8, body.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
}

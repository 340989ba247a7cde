/** Certificates that the mesh must not believe, and one that it must, made with the keys of its own authority. */
import { createPublicKey, webcrypto } from 'node:crypto';
import '#kit/net/reflect-shim.ts';
import * as x509 from '@peculiar/x509';
import type { Project } from '../../../scripts/lib/compose.ts';
import { certify, type Signer } from '#kit/testing/certify.ts';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DATA = '/var/lib/control-plane/authority';

/** What a client shows. */
export interface Shown {
  /** PEM, the leaf first. */
  readonly cert: string;
  readonly key: string;
}

/** The control plane's intermediate, which signs all leaves. */
export async function authorityOf(project: Project): Promise<Signer> {
  const read = (name: string): Promise<string> => project.exec('control-plane', ['cat', `${DATA}/${name}`]);
  const [cert, key] = await Promise.all([read('intermediate.crt'), read('intermediate.key')]);
  const der = x509.PemConverter.decodeFirst(key);
  const privateKey = await webcrypto.subtle.importKey('pkcs8', der, ALGORITHM, true, ['sign']);
  const spki = createPublicKey(cert).export({ type: 'spki', format: 'der' });
  const publicKey = await webcrypto.subtle.importKey('spki', spki, ALGORITHM, true, ['verify']);
  return { cert, key, keys: { privateKey, publicKey }, certificate: new x509.X509Certificate(cert) };
}

/** A leaf for a SPIFFE id. @param days from when to when it is valid, from now */
export async function leafFor(id: string, issuer: Signer, { from = -1, to = 1 } = {}): Promise<Shown> {
  const leaf = await certify({ altNames: [{ type: 'url', value: id }], issuer, from, to, subject: '' });
  return { cert: `${leaf.cert}\n${issuer.cert}`, key: leaf.key };
}

/** An authority that calls itself what the real one is called, with a key of its own. */
export async function impostor({ certificate }: Signer): Promise<Signer> {
  return certify({ ca: true, subject: certificate.subject });
}

/** Identities for tests, made in memory. */
import { certify, type Signer } from '#kit/testing/certify.ts';
import type { Credentials, Identity } from '#mesh/model/identity.ts';

export class TestIdentity implements Identity {
  current: Credentials | undefined;
  readonly #listeners: ((credentials: Credentials) => void)[] = [];

  constructor(current?: Credentials) {
    this.current = current;
  }
  onChange(listener: (credentials: Credentials) => void): void {
    this.#listeners.push(listener);
  }
  set(credentials: Credentials): void {
    this.current = credentials;
    for (const listener of this.#listeners) listener(credentials);
  }
  close(): void {}
}

let ca: Promise<Signer> | undefined;

/** The authority of the test's own trust domain. */
export function testCa(): Promise<Signer> {
  return (ca ??= certify({ subject: 'CN=mesh', ca: true }));
}

export const idOf = (service: string, trustDomain = 'mesh.test'): string =>
  `spiffe://${trustDomain}/ns/shop/sa/${service}`;

export interface CredentialsOptions {
  readonly issuer?: Signer;
  readonly trustDomain?: string;
  /** Days from now. */
  readonly from?: number;
  readonly to?: number;
}

/** A certificate for a service of the test's. */
export async function credentialsOf(service: string, options: CredentialsOptions = {}): Promise<Credentials> {
  const authority = await testCa();
  const { issuer = authority, trustDomain, from = -1, to = 1 } = options;
  const spiffeId = idOf(service, trustDomain);
  const leaf = await certify({ altNames: [{ type: 'url', value: spiffeId }], issuer, from, to });
  return {
    spiffeId,
    key: leaf.key,
    chain: leaf.cert,
    trustBundle: authority.cert,
    notAfter: Date.now() + to * 86_400_000,
  };
}

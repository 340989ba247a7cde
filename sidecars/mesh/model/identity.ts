/** Who this proxy is, and whom it believes. */

export interface Credentials {
  /** `spiffe://TRUST_DOMAIN/ns/PROJECT/sa/SERVICE` */
  readonly spiffeId: string;
  /** PEM. */
  readonly key: string;
  /** PEM: the leaf first, then intermediates. */
  readonly chain: string;
  /** PEM of the roots of the trust domain. */
  readonly trustBundle: string;
  /** When the leaf ends, since the epoch, in milliseconds. */
  readonly notAfter: number;
}

/** The identity of a proxy: it changes with each renewal. Connections that are open go on with what they began with. */
export interface Identity {
  /** Undefined before the first certificate. */
  readonly current: Credentials | undefined;
  /** Told of each change, the first certificate among them. */
  onChange(listener: (credentials: Credentials) => void): void;
  /** A connection is made: if the certificate is due to be renewed, which a machine that slept did not notice, begin now. */
  look?(): void;
  close(): void;
}

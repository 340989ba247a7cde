/** What the shop tells, and what of it nobody but its callers may hear. */

/** What listens on loopback, and what the vault holds. */
export const SECRET = 'nobody of the network may read this';
/** With this begins what the good client asks for. */
export const GOOD_PATH = '/good/';
export const identityOf = (service: string): string => `spiffe://mesh.local/ns/shop/sa/${service}`;

/** What the shop's application was told, as it answers. */
export interface Told {
  readonly target: string;
  /** X-Forwarded-Client-Cert: who called. */
  readonly caller: string | null;
}

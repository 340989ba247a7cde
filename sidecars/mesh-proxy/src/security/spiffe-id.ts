/** `spiffe://TRUST_DOMAIN/ns/PROJECT/sa/SERVICE` (SPIFFE-ID, section 2). */

export interface SpiffeId {
  readonly text: string;
  readonly trustDomain: string;
  /** `unknown` where its path is of another form. */
  readonly namespace: string;
  readonly service: string;
}

const MAX_LENGTH = 2048;
const ID = /^spiffe:\/\/([a-z0-9._-]{1,255})((?:\/[A-Za-z0-9._-]+)+)$/;
const PATH = /^\/ns\/([^/]+)\/sa\/([^/]+)$/;

/** @returns undefined for what is none */
export function parseSpiffeId(text: string): SpiffeId | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  const [, trustDomain, path] = ID.exec(text) ?? [];
  if (trustDomain === undefined || path!.split('/').some((part) => part === '.' || part === '..')) return undefined;
  const [, namespace = 'unknown', service = 'unknown'] = PATH.exec(path!) ?? [];
  return { text, trustDomain, namespace, service };
}

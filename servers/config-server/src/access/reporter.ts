/** Who reports: a name that nobody can have but the owner of a token. */
import type { Caller } from './tokens.ts';

/** Sidecars that may report about one version with one token. */
export const MAX_REPORTERS_PER_TOKEN = 1000;

/**
 * The name under which a report is kept: that of the token, and what the sidecar calls itself within it,
 * since many may share a token. Names of tokens hold no slash, so no name within one is another's.
 */
export function reporterOf({ name }: Caller, sidecar: string | undefined): string {
  if (sidecar === undefined || sidecar === name) return name;
  return sidecar.startsWith(`${name}/`) ? sidecar : `${name}/${sidecar}`;
}

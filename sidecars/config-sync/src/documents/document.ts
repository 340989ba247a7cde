/** Documents and what names one for good. */
import { createHash } from 'node:crypto';

/**
 * One version of a document. The version alone does not do: a server whose data was replaced counts
 * from the beginning again.
 */
export interface Identity {
  /** As the source calls it; empty for a file that was there before the first document. */
  readonly version: string;
  /** SHA-256 of the content, in hex. */
  readonly digest: string;
}

export interface Document extends Identity {
  readonly key: string;
  readonly content: Buffer;
}

export const digestOf = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex');

export const same = (a: Identity | undefined, b: Identity | undefined): boolean =>
  a !== undefined && b !== undefined && a.version === b.version && a.digest === b.digest;

/** How a version is called in logs and reports. */
export const nameOf = ({ version, digest }: Identity): string =>
  version === '' ? `the file that was there before (${digest.slice(0, 12)})` : `version ${version}`;

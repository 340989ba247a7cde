/** Conditional requests (RFC 9110, section 13) on versions: an ETag is a version in quotes. */
import { Refusal } from '../access/refusal.ts';

/** What a change is made from: a version, or nothing, because it creates. */
export type Base = { readonly version: number } | 'none';

/** A version's ETag. */
export const etagOf = (version: number): string => `"${version}"`;

/**
 * What a change was made from.
 * @param ifMatch the header If-Match
 * @param ifNoneMatch the header If-None-Match, which only means something as `*`
 * @throws {Refusal} condition-missing with neither, malformed with both or with anything else in them
 */
export function baseOf(ifMatch: string | undefined, ifNoneMatch: string | undefined): Base {
  if (ifMatch !== undefined && ifNoneMatch !== undefined)
    throw new Refusal('malformed', 'If-Match and If-None-Match exclude each other');
  if (ifMatch !== undefined) {
    const version = versionOf(ifMatch.trim());
    if (version === undefined) throw new Refusal('malformed', 'If-Match must be one version in quotes, as ETag has it');
    return { version };
  }
  if (ifNoneMatch === undefined)
    throw new Refusal(
      'condition-missing',
      'say what the change was made from: If-Match: "VERSION", or If-None-Match: * to create',
    );
  if (ifNoneMatch.trim() !== '*') throw new Refusal('malformed', 'If-None-Match must be * here');
  return 'none';
}

/**
 * Whether a reader has a version already.
 * @param ifNoneMatch the header: `*`, or ETags separated by commas, weak ones too
 */
export function alreadyHas(ifNoneMatch: string | undefined, version: number): boolean {
  if (ifNoneMatch === undefined) return false;
  return ifNoneMatch
    .split(',')
    .map((each) => each.trim())
    .some((each) => each === '*' || versionOf(each.replace(/^W\//, '')) === version);
}

function versionOf(etag: string): number | undefined {
  const digits = /^"([1-9]\d{0,14})"$/.exec(etag)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

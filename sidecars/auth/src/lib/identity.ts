/** Who somebody is, however it was shown, and how the application is told. */
import type { Request } from '#proxy/http/request.ts';

export type Method = 'oidc' | 'jwt' | 'basic' | 'apikey';

export interface Identity {
  readonly method: Method;
  /** What identifies somebody at the provider, for ever; the name for passwords and keys. */
  readonly sub: string;
  readonly email?: string | undefined;
  readonly preferredUsername?: string | undefined;
  readonly groups: readonly string[];
  readonly accessToken?: string | undefined;
}

/** Most bytes of X-Forwarded-Groups: servers refuse long fields, and many fields together. */
export const MAX_GROUPS_FIELD = 4096;

/** Fields that say who somebody is: nobody but the sidecar may. */
export const IDENTITY_FIELDS = [
  'X-Forwarded-User',
  'X-Forwarded-Email',
  'X-Forwarded-Groups',
  'X-Forwarded-Preferred-Username',
  'X-Forwarded-Access-Token',
] as const;

/** A text as a field's value: UTF-8, without what would end it or separate groups. */
const fieldText = (text: string): string =>
  Buffer.from(text.replaceAll(/[\p{Cc}]/gu, ' ').trim(), 'utf8').toString('latin1');

/**
 * Groups as one field, as many as fit.
 * @returns the field's text, and how many are missing
 */
export function groupsField(groups: readonly string[]): { readonly text: string; readonly missing: number } {
  let text = '';
  let missing = 0;
  for (const group of groups) {
    const each = fieldText(group).replaceAll(',', ' ');
    const longer = text === '' ? each : `${text},${each}`;
    if (longer.length > MAX_GROUPS_FIELD) missing += 1;
    else text = longer;
  }
  return { text, missing };
}

/** An identity as whole lines for the application. */
export function identityLines(identity: Identity, passAccessToken: boolean): string {
  const { sub, email, preferredUsername, groups, accessToken } = identity;
  let lines = `X-Forwarded-User: ${fieldText(sub)}\r\n`;
  if (email) lines += `X-Forwarded-Email: ${fieldText(email)}\r\n`;
  if (preferredUsername) lines += `X-Forwarded-Preferred-Username: ${fieldText(preferredUsername)}\r\n`;
  if (groups.length > 0) lines += `X-Forwarded-Groups: ${groupsField(groups).text}\r\n`;
  if (passAccessToken && accessToken) lines += `X-Forwarded-Access-Token: ${fieldText(accessToken)}\r\n`;
  return lines;
}

/** Take away what a client says of itself, in every spelling that CGI would take for it. */
export function dropIdentity(request: Request): void {
  for (const name of IDENTITY_FIELDS) request.delete(name);
}

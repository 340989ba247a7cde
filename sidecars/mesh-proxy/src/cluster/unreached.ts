/**
 * What proxies of the mesh tell one another of a request that reached no application, so that the caller's may send it
 * to another replica, whatever it is. Only over mTLS is it said, and believed; no application sees it.
 */
import type { Response } from '#proxy/http/response.ts';

/** A field of the answer. Its value is why, as the system calls it. */
export const UNREACHED = 'Mesh-Unreached';
/** The answer's status; beside another one the field means nothing. */
export const UNREACHED_STATUS = 503;
/** Begins the reason of a failure that a proxy told: it was reached, and its application was not. */
const BEHIND = 'behind_';
const REASON = /^\w{1,40}$/;

/** The field's value. @param reason as the system calls it */
export const unreachedValue = (reason: string): string => (REASON.test(reason) ? reason : 'unknown');

/** A failure's reason, of what a proxy told of its application. @param reason as the system calls it */
export const behind = (reason: string): string => BEHIND + unreachedValue(reason);

/** What a proxy said in its answer. @returns a failure's reason; undefined where an application was reached */
export function unreachedIn(response: Response): string | undefined {
  if (response.status !== UNREACHED_STATUS) return undefined;
  const value = response.get(UNREACHED);
  return value === undefined ? undefined : behind(value);
}

/** Why the application was not reached; undefined where a reason is about the proxy's own connection. */
export const reasonBehind = (reason: string): string | undefined =>
  reason.startsWith(BEHIND) ? reason.slice(BEHIND.length) : undefined;

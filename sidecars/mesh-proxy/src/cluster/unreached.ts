/**
 * What proxies of the mesh tell one another of a request that reached no application, so that the caller's may send it
 * to another replica, whatever it is. Only over mTLS is it said, and believed; no application sees it.
 */
import type { ReportedFailure } from '#proxy/upstream/cluster.ts';
import type { Response } from '#proxy/http/response.ts';

/** A field of the answer. Its value is why, as the system calls it. The control plane has Envoys say it, and understand it. */
export const UNREACHED = 'Mesh-Unreached';
/** The answer's status; beside another one the field means nothing. */
export const UNREACHED_STATUS = 503;
/**
 * Beside a 502: the application was reached, and was lost before it answered. What may be repeated (RFC 9110, section
 * 9.2.2) may be made elsewhere.
 */
export const LOST = 'Mesh-Lost';
export const LOST_STATUS = 502;
/** Begins the reason of a failure that a proxy told: it was reached, and its application was not. */
const BEHIND = 'behind_';
const REASON = /^\w{1,40}$/;

/** The field's value. @param reason as the system calls it */
export const unreachedValue = (reason: string): string => (REASON.test(reason) ? reason : 'unknown');

/** A failure's reason, of what a proxy told of its application. @param reason as the system calls it */
export const behind = (reason: string): string => BEHIND + unreachedValue(reason);

/** What a proxy said in its answer. @returns undefined where an application has answered */
export function unreachedIn(response: Response): ReportedFailure | undefined {
  const { status } = response;
  if (status === UNREACHED_STATUS) return failureOf('connect', response.get(UNREACHED));
  if (status === LOST_STATUS) return failureOf('closed', response.get(LOST));
  return undefined;
}

const failureOf = (failure: ReportedFailure['failure'], value: string | undefined): ReportedFailure | undefined =>
  value === undefined ? undefined : { failure, reason: behind(value) };

/** Why the application was not reached; undefined where a reason is about the proxy's own connection. */
export const reasonBehind = (reason: string): string | undefined =>
  reason.startsWith(BEHIND) ? reason.slice(BEHIND.length) : undefined;

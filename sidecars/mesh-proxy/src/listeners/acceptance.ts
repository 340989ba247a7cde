/**
 * What a proxy tells the one that called it about a connection that is passed on as it is: whether the application
 * took it. Where both know `mesh-tcp-ack` (ALPN), the first byte that the called proxy sends is its word; the
 * application's bytes follow it. The caller does not wait for it before it sends, so it costs no round trip.
 *
 * Before it has said that the application took the connection, a proxy passes nothing on to it: what was refused was
 * not touched, and may be sent to another replica.
 */

import { unreachedValue } from '../cluster/unreached.ts';

/** The application took the connection: what follows is its own. */
export const ACCEPTED = Buffer.from('+');
/** It did not: a reason follows, and the end of the line. */
const REFUSED = '-';
/** A policy forbids it, as it does at the other replicas. */
export const DENIED = 'denied';
/** A refusal with the longest reason. */
const MAX_WORD = 42;
const REASON = /^-(\w{1,40})\n/;

/** A refusal's word. @param reason as the system calls it, or DENIED */
export const refusalOf = (reason: string): string => `${REFUSED}${unreachedValue(reason)}\n`;

/**
 * Read what was said so far and is no ACCEPTED.
 * @returns the reason of a refusal; undefined where more bytes are needed; false for what is none
 */
export function refusalIn(word: string): string | undefined | false {
  if (!word.startsWith(REFUSED)) return false;
  const reason = REASON.exec(word)?.[1];
  if (reason !== undefined) return reason;
  return word.length < MAX_WORD && !word.includes('\n') ? undefined : false;
}

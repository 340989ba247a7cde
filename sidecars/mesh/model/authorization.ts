/** Who may do what at the application. */
import type { HeaderMatch, StringMatch } from './match.ts';

/**
 * A request, or a connection that is not HTTP, that any rule to deny fits is refused; of the others one that
 * a rule to allow fits is let through; `otherwise` is for the rest.
 */
export interface Authorization {
  readonly otherwise: 'allow' | 'deny';
  readonly rules: readonly AuthorizationRule[];
}

/**
 * Fits where each field does that is there. A rule to allow that names methods, paths or headers fits no connection that is
 * not HTTP; one to deny goes by its other fields there.
 */
export interface AuthorizationRule {
  /** Tells the log which it was. */
  readonly name: string;
  readonly action: 'allow' | 'deny';
  /** SPIFFE ids of callers: one of them fits. A caller without an identity fits none. */
  readonly identities?: readonly StringMatch[];
  readonly notIdentities?: readonly StringMatch[];
  /** Ranges of addresses that callers connect from, in CIDR notation: one of them has the caller's. */
  readonly ipBlocks?: readonly string[];
  readonly notIpBlocks?: readonly string[];
  readonly methods?: readonly string[];
  /** Of the path, without its query: a rule to deny fits one reading of it, one to allow fits all. */
  readonly paths?: readonly StringMatch[];
  /** All of them. */
  readonly headers?: readonly HeaderMatch[];
  readonly ports?: readonly number[];
}

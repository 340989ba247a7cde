/** What the cache is told of its parameters. */
import type { KeyRules } from '../policy/keys.ts';
import type { PolicySettings } from '../policy/settings.ts';

export interface CacheSettings extends PolicySettings {
  readonly key: KeyRules;
  /** Largest body that is stored, in bytes. */
  readonly maxObject: number;
  /** How long a request waits for the application where a stale response may answer, in milliseconds. */
  readonly staleAfter: number;
  /** How long a request waits for another's answer to begin, in milliseconds. */
  readonly collapseTimeout: number;
  /** Cookies that the application does not read; `prefix*` for all that begin so. */
  readonly ignoredCookies: readonly string[];
  /** The response field that holds tags. */
  readonly tagField: string;
}

/** The result of checking credentials. */
import type { Identity, Method } from '../lib/identity.ts';

export type Result =
  | {
      readonly ok: true;
      readonly identity: Identity;
      /** Whether it would still be let in: asked while a connection that it opened lasts. */
      readonly good: () => boolean;
    }
  /** They are wrong: `reason` is the label of a metric. */
  | { readonly ok: false; readonly method: Method; readonly reason: string }
  /** They cannot be checked now; wait this number of milliseconds. */
  | { readonly ok: 'later'; readonly method: Method; readonly wait: number };

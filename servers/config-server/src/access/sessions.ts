/**
 * Logging in to the page without putting a token into it: who has a token asks for a code, which works
 * once and soon; the page has a session for it, which ends by itself, or with the server.
 */
import { createHash, randomBytes } from 'node:crypto';
import { Refusal } from './refusal.ts';
import type { Caller } from './tokens.ts';

/** How long a code works, in milliseconds. */
export const CODE_LIFE = 120_000;
/** How long a session lasts, in milliseconds. */
export const SESSION_LIFE = 8 * 3_600_000;
/** Most codes and most sessions at a time. */
const MOST = 1000;
/** Most of them by one token. */
const MOST_OF_ONE = 100;

interface Grant {
  readonly caller: Caller;
  /** Since the epoch, in milliseconds. */
  readonly until: number;
}

/** A secret and when it ends. */
export interface Issued {
  readonly secret: string;
  /** ISO 8601. */
  readonly expires: string;
  readonly caller: Caller;
}

export class Sessions {
  readonly #codes = new Map<string, Grant>();
  readonly #sessions = new Map<string, Grant>();
  readonly #now: () => number;

  /** @param now milliseconds since the epoch */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /**
   * A code that opens one session for a caller.
   * @throws {Refusal} busy when there are too many
   */
  invite(caller: Caller): Issued {
    return this.#issue(this.#codes, caller, CODE_LIFE);
  }

  /**
   * A session for a code, which is spent by that.
   * @throws {Refusal} unauthorized when the code is unknown, spent or too old
   */
  open(code: string): Issued {
    const caller = this.#find(this.#codes, code);
    if (!caller) throw new Refusal('unauthorized', 'the code is unknown, was used before, or is too old');
    this.#codes.delete(nameOf(code));
    return this.#issue(this.#sessions, caller, SESSION_LIFE);
  }

  /** The caller behind a session; undefined when there is none. */
  callerOf(secret: string): Caller | undefined {
    return this.#find(this.#sessions, secret);
  }

  /** End a session; nothing where there is none. */
  close(secret: string): void {
    this.#sessions.delete(nameOf(secret));
  }

  #issue(grants: Map<string, Grant>, caller: Caller, life: number): Issued {
    const now = this.#now();
    for (const [name, { until }] of grants) if (until <= now) grants.delete(name);
    const own = [...grants.values()].filter((grant) => grant.caller.name === caller.name).length;
    if (grants.size >= MOST || own >= MOST_OF_ONE) throw new Refusal('busy', 'too many logins at a time');
    const secret = randomBytes(24).toString('base64url');
    grants.set(nameOf(secret), { caller, until: now + life });
    return { secret, expires: new Date(now + life).toISOString(), caller };
  }

  #find(grants: ReadonlyMap<string, Grant>, secret: string): Caller | undefined {
    const grant = grants.get(nameOf(secret));
    return grant && grant.until > this.#now() ? grant.caller : undefined;
  }
}

/** By their hash, so that the time that a look takes tells nothing of a secret. */
const nameOf = (secret: string): string => createHash('sha256').update(secret).digest('hex');

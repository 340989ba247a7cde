/** Bearer tokens (RFC 6750) that the provider signed. */
import { Lru } from '../lib/lru.ts';
import { BadToken, identityOf, type ClaimNames, type TokenVerifier } from '../oidc/token-verifier.ts';
import type { Revocations } from '../sessions/revocations.ts';
import type { Result } from './result.ts';

/** TokenVerifier that were verified: a signature costs more than all else of a request. */
const MAX_KNOWN = 2000;
const MAX_TOKEN = 16 * 1024;

interface Known {
  readonly result: Result & { readonly ok: true };
  /** Milliseconds since the epoch. */
  readonly until: number;
  /** As revocations know a session. */
  readonly session: {
    readonly id: string;
    readonly sid: string | undefined;
    readonly sub: string;
    readonly createdAt: number;
  };
}

export interface BearerOptions {
  readonly tokens: TokenVerifier;
  readonly audience: string;
  readonly claimNames: ClaimNames;
  readonly revocations: Revocations;
  /** In milliseconds. */
  readonly clockSkew: number;
}

export class Bearer {
  readonly #options: BearerOptions;
  readonly #known = new Lru<Known>(MAX_KNOWN);

  constructor(options: BearerOptions) {
    this.#options = options;
  }

  /** @param token what follows `Bearer ` */
  look(token: string): Result | Promise<Result> {
    const known = this.#known.get(token);
    if (known === undefined || known.until <= Date.now()) return this.#verify(token);
    return this.#judge(known);
  }

  /** A logout at the provider ends its tokens here, too. */
  #judge({ result, session }: Known): Result {
    return this.#options.revocations.covers(session) ? { ok: false, method: 'jwt', reason: 'revoked' } : result;
  }

  async #verify(token: string): Promise<Result> {
    const { tokens, audience, claimNames, clockSkew } = this.#options;
    if (token.length > MAX_TOKEN) return { ok: false, method: 'jwt', reason: 'malformed' };
    try {
      const claims = await tokens.bearer(token, audience);
      const { sub, iat, exp, sid } = claims;
      const session = { id: '', sid: typeof sid === 'string' ? sid : undefined, sub, createdAt: iat * 1000 };
      const until = exp! * 1000 + clockSkew;
      const known: Known = {
        result: {
          ok: true,
          identity: { method: 'jwt', sub, ...identityOf(claims, claimNames), accessToken: token },
          good: () => Date.now() < until && !this.#options.revocations.covers(session),
        },
        until,
        session,
      };
      this.#known.set(token, known);
      return this.#judge(known);
    } catch (error) {
      if (error instanceof BadToken) return { ok: false, method: 'jwt', reason: error.reason };
      throw error;
    }
  }
}

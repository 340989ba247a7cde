/** Bearer tokens (RFC 6750) that the provider signed. */
import { Lru } from '../lru.ts';
import { BadToken, identityOf, type Tokens } from '../oidc/tokens.ts';
import type { Revocations } from '../sessions/revocations.ts';
import type { Result } from './result.ts';

/** Tokens that were verified: a signature costs more than all else of a request. */
const MAX_KNOWN = 2000;
const MAX_TOKEN = 16 * 1024;

interface Known {
  readonly result: Result & { readonly ok: true };
  /** As revocations know a session. */
  readonly session: {
    readonly id: string;
    readonly sid: string | undefined;
    readonly sub: string;
    readonly createdAt: number;
  };
}

export interface BearerOptions {
  readonly tokens: Tokens;
  readonly audience: string;
  readonly groupsClaim: string;
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
    if (known === undefined || known.result.until! <= Date.now()) return this.#verify(token);
    return this.#judge(known);
  }

  /** A logout at the provider ends its tokens here, too. */
  #judge({ result, session }: Known): Result {
    return this.#options.revocations.covers(session) ? { ok: false, method: 'jwt', reason: 'revoked' } : result;
  }

  async #verify(token: string): Promise<Result> {
    const { tokens, audience, groupsClaim, clockSkew } = this.#options;
    if (token.length > MAX_TOKEN) return { ok: false, method: 'jwt', reason: 'malformed' };
    try {
      const claims = await tokens.bearer(token, audience);
      const sid = claims['sid'];
      const known: Known = {
        result: {
          ok: true,
          identity: { method: 'jwt', sub: claims.sub, ...identityOf(claims, groupsClaim), accessToken: token },
          until: claims.exp! * 1000 + clockSkew,
        },
        session: {
          id: '',
          sid: typeof sid === 'string' ? sid : undefined,
          sub: claims.sub,
          createdAt: claims.iat * 1000,
        },
      };
      this.#known.set(token, known);
      return this.#judge(known);
    } catch (error) {
      if (error instanceof BadToken) return { ok: false, method: 'jwt', reason: error.reason };
      throw error;
    }
  }
}

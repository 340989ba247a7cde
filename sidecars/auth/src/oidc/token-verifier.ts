/** Judging tokens (RFC 7519): who made them, for whom, when, and how they are signed. */
import { jwtVerify, type JWTPayload } from 'jose';
import type { Keys } from './keys.ts';

export interface TokenVerifierOptions {
  readonly issuer: string;
  readonly algorithms: readonly string[];
  /** In milliseconds. */
  readonly clockSkew: number;
  readonly keys: Keys;
}

/** A token that is not accepted; `reason` is the label of a metric. */
export class BadToken extends Error {
  readonly reason: string;
  constructor(reason: string, options?: ErrorOptions) {
    super(`the token is refused: ${reason}`, options);
    this.reason = reason;
  }
}

export type Claims = JWTPayload & { readonly sub: string; readonly iat: number };

/** The event that makes a token a logout token (OpenID Connect Back-Channel Logout, section 2.4). */
const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout';
/** A logout token is for at once, in milliseconds. */
const LOGOUT_MAX_AGE = 600_000;

export class TokenVerifier {
  readonly #options: TokenVerifierOptions;

  constructor(options: TokenVerifierOptions) {
    this.#options = options;
  }

  async #verify(
    token: string,
    audience: string,
    required: string[],
    key = this.#options.keys.get,
  ): Promise<{ claims: JWTPayload; type: string }> {
    const { issuer, algorithms, clockSkew } = this.#options;
    try {
      const { payload, protectedHeader } = await jwtVerify(token, key, {
        issuer,
        audience,
        algorithms: [...algorithms],
        clockTolerance: clockSkew / 1000,
        requiredClaims: required,
      });
      // jose looks at iat only where an age is asked for.
      if (payload.iat !== undefined && payload.iat * 1000 > Date.now() + clockSkew) throw new BadToken('iat');
      return { claims: payload, type: (protectedHeader.typ ?? '').toLowerCase() };
    } catch (error) {
      throw error instanceof BadToken ? error : new BadToken(reasonOf(error), { cause: error });
    }
  }

  /**
   * An ID token (OpenID Connect Core, section 3.1.3.7).
   * @param nonce what was sent with the login; absent at a refresh
   * @throws {BadToken}
   */
  async idToken(token: string, clientId: string, nonce?: string): Promise<Claims> {
    const { claims } = await this.#verify(token, clientId, ['sub', 'iat', 'exp'], this.#options.keys.getTrusted);
    const good = subject(claims);
    const several = Array.isArray(claims.aud) && claims.aud.length > 1;
    if (claims['azp'] === undefined ? several : claims['azp'] !== clientId) throw new BadToken('azp');
    if (nonce !== undefined && claims['nonce'] !== nonce) throw new BadToken('nonce');
    return good;
  }

  /** A bearer token of a request. @throws {BadToken} */
  async bearer(token: string, audience: string): Promise<Claims> {
    const { claims, type } = await this.#verify(token, audience, ['sub', 'iat', 'exp']);
    if (type === 'logout+jwt' || claims['events'] !== undefined) throw new BadToken('type');
    return subject(claims);
  }

  /**
   * A logout token.
   * @returns whose login ends: one by `sid`, or all of `sub`
   * @throws {BadToken}
   */
  async logout(token: string, clientId: string): Promise<{ sid?: string; sub?: string; jti: string }> {
    const { claims, type } = await this.#verify(token, clientId, ['iat', 'jti', 'events']);
    const { iat = 0, jti, sub, sid, events, nonce } = claims;
    if (type !== '' && type !== 'logout+jwt' && type !== 'jwt') throw new BadToken('type');
    if (Date.now() - iat * 1000 > LOGOUT_MAX_AGE + this.#options.clockSkew) throw new BadToken('iat');
    if (nonce !== undefined) throw new BadToken('nonce');
    const event = (events as Record<string, unknown> | null)?.[LOGOUT_EVENT];
    if (typeof event !== 'object' || event === null) throw new BadToken('events');
    if (typeof jti !== 'string' || jti.length > 300) throw new BadToken('jti');
    const good = { ...text('sid', sid), ...text('sub', sub) };
    if (good.sid === undefined && good.sub === undefined) throw new BadToken('sub');
    return { ...good, jti };
  }
}

function subject(claims: JWTPayload): Claims {
  if (typeof claims.sub !== 'string' || claims.sub === '' || claims.sub.length > 255) throw new BadToken('sub');
  return claims as Claims;
}

const text = <K extends string>(key: K, value: unknown): { [key in K]?: string } =>
  typeof value === 'string' && value !== '' && value.length <= 300 ? ({ [key]: value } as { [key in K]: string }) : {};

/** What jose found wrong, in a word. */
function reasonOf(error: unknown): string {
  const { code = '', claim = '' } = error as { code?: string; claim?: string };
  switch (code) {
    case 'ERR_JWT_EXPIRED':
      return 'exp';
    case 'ERR_JWT_CLAIM_VALIDATION_FAILED':
      return claim === 'unspecified' ? 'claims' : claim;
    case 'ERR_JOSE_ALG_NOT_ALLOWED':
    case 'ERR_JOSE_NOT_SUPPORTED':
      return 'alg';
    case 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED':
      return 'signature';
    case 'ERR_JWKS_NO_MATCHING_KEY':
    case 'ERR_JWKS_MULTIPLE_MATCHING_KEYS':
      return 'kid';
    case 'ERR_JWKS_INVALID':
      return 'no_keys';
    default:
      return 'malformed';
  }
}

/** How claims are read. */
export interface ClaimNames {
  /** Of the claim with a list of groups, or one. */
  readonly groups: string;
  /** Whether an e-mail address counts where the provider does not say that it is verified. */
  readonly emailWithoutVerified: boolean;
}

/** Identity out of claims. */
export function identityOf(
  claims: Readonly<Record<string, unknown>>,
  { groups: groupsClaim, emailWithoutVerified }: ClaimNames,
): { email?: string; preferredUsername?: string; groups: string[] } {
  const listed: unknown = claims[groupsClaim];
  const groups = (Array.isArray(listed) ? listed : [listed])
    .filter((group): group is string => typeof group === 'string' && group !== '' && group.length <= 256)
    .slice(0, MAX_GROUPS);
  const { email, preferred_username: name, email_verified: verified } = claims;
  const isVerified = verified === undefined ? emailWithoutVerified : verified === true || verified === 'true';
  return {
    // An address that the provider has not verified is anybody's. Some send the claim as text.
    ...(typeof email === 'string' && isVerified && { email: email.slice(0, 320) }),
    ...(typeof name === 'string' && { preferredUsername: name.slice(0, 256) }),
    groups: [...new Set(groups)],
  };
}

/** Most groups that are looked at. */
const MAX_GROUPS = 5000;

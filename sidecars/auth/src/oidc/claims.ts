/** From a token endpoint's answer to what a session keeps of it. */
import * as openid from 'openid-client';
import { MAX_COOKIE_VALUE } from '../http/cookies.ts';
import { identityOf, type ClaimNames, type Claims } from './token-verifier.ts';
import type { NewSession } from '../sessions/session.ts';
import type { Provider } from './provider.ts';

/** The access token is renewed so long before its end, in milliseconds, or at half of a short life. */
const EARLY = 5000;

/** Claims that do not fit together. */
export class Claimed extends Error {
  readonly reason: string;
  constructor(reason: string) {
    super(`the claims are refused: ${reason}`);
    this.reason = reason;
  }
}

export interface ClaimsReaderOptions {
  readonly provider: Provider;
  readonly clientId: string;
  readonly claimNames: ClaimNames;
  /** Groups that must be kept: those that rules name. */
  readonly wanted: () => ReadonlySet<string>;
  /** What a session may take, in characters before it is sealed; Infinity for one on disk. */
  readonly room: number;
  readonly passAccessToken: boolean;
}

/** Left for what else a sealed session holds; sealing adds a third (base64). */
export const COOKIE_ROOM = Math.floor((MAX_COOKIE_VALUE * 3) / 4) - 1024;

/** What a token endpoint answers. */
type Answer = Awaited<ReturnType<typeof openid.authorizationCodeGrant>>;

export class ClaimsReader {
  readonly #options: ClaimsReaderOptions;

  constructor(options: ClaimsReaderOptions) {
    this.#options = options;
  }

  /**
   * @param nonce of the login; absent at a refresh
   * @param former what a refresh starts from
   * @returns a session's fields, and how many groups had no room in it
   * @throws {BadToken}, {Claimed}, and what openid-client throws
   */
  async read(answer: Answer, nonce?: string, former?: NewSession): Promise<{ session: NewSession; dropped: number }> {
    const { provider, clientId } = this.#options;
    const idToken = answer.id_token ?? undefined;
    if (idToken === undefined && former === undefined) throw new Claimed('no_id_token');
    const claims = idToken === undefined ? undefined : await provider.tokens.idToken(idToken, clientId, nonce);
    // OpenID Connect Core, section 12.2: a refresh is about the same person.
    if (former !== undefined && claims !== undefined && claims.sub !== former.sub) throw new Claimed('sub');
    const sub = claims?.sub ?? former!.sub;
    const configuration = (await provider.configuration())!;
    const told = configuration.serverMetadata().userinfo_endpoint
      ? await this.#userinfo(configuration, answer.access_token, sub)
      : {};
    const sid = claims?.['sid'];
    const session: NewSession = {
      ...former,
      ...this.#identity(claims, told, former),
      sub,
      ...(typeof sid === 'string' && sid !== '' && { sid: sid.slice(0, 300) }),
      ...(answer.refresh_token !== undefined && { refreshToken: answer.refresh_token }),
      ...(idToken !== undefined && { idToken }),
      ...(this.#options.passAccessToken && { accessToken: answer.access_token }),
    };
    const refreshAt = session.refreshToken === undefined ? undefined : refreshTime(answer.expires_in);
    return this.#fit({ ...session, refreshAt });
  }

  /** Without an ID token a refresh changes only what userinfo says. */
  #identity(
    claims: Claims | undefined,
    told: Readonly<Record<string, unknown>>,
    former: NewSession | undefined,
  ): Pick<NewSession, 'email' | 'preferredUsername' | 'groups'> {
    const { claimNames } = this.#options;
    const all: Record<string, unknown> = { ...claims, ...told };
    // What one source says about its address is not said about another address of the other.
    if (told['email'] !== undefined && told['email'] !== claims?.['email'])
      all['email_verified'] = told['email_verified'];
    const { email, preferredUsername, groups } = identityOf(all, claimNames);
    if (claims !== undefined || former === undefined) return { email, preferredUsername, groups };
    return {
      email: all['email'] === undefined ? former.email : email,
      preferredUsername: preferredUsername ?? former.preferredUsername,
      groups: all[claimNames.groups] === undefined ? former.groups : groups,
    };
  }

  async #userinfo(
    configuration: openid.Configuration,
    accessToken: string,
    sub: string,
  ): Promise<Record<string, unknown>> {
    try {
      return await openid.fetchUserInfo(configuration, accessToken, sub);
    } catch (error) {
      // openid-client compares; a difference is an attribute value that is not as expected.
      if ((error as { code?: string }).code === 'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED')
        throw new Claimed('userinfo_sub');
      throw error;
    }
  }

  /** Leave out what has no room: the ID token first, then groups that no rule names. */
  #fit(session: NewSession): { session: NewSession; dropped: number } {
    const { room, wanted } = this.#options;
    const named = wanted();
    const groups = [...session.groups].toSorted((a, b) => Number(named.has(b)) - Number(named.has(a)));
    let rest: NewSession = { ...session, groups };
    if (JSON.stringify(rest).length > room) rest = { ...rest, idToken: undefined };
    let size = JSON.stringify(rest).length;
    while (size > room && groups.length > 0) size -= JSON.stringify(groups.pop()).length + 1;
    return { session: rest, dropped: session.groups.length - groups.length };
  }
}

/** @param life of the access token, in seconds */
function refreshTime(life: number | undefined): number | undefined {
  if (life === undefined || !(life > 0)) return undefined;
  return Date.now() + Math.max(life * 500, life * 1000 - EARLY);
}

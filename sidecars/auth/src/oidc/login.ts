/** A login: to the provider by /start, and back by /callback (OpenID Connect Core, section 3.1; RFC 7636). */
import * as openid from 'openid-client';
import type { Logger } from '#kit/telemetry/log.ts';
import type { Counts } from '../lib/counts.ts';
import { groupsField } from '../lib/identity.ts';
import type { Client } from '../http/client.ts';
import { writeCookie } from '../http/cookies.ts';
import { localTarget } from '../http/target.ts';
import type { Seal } from '../lib/seal.ts';
import type { NewSession } from '../sessions/session.ts';
import { Claimed, type ClaimsReader } from './claims.ts';
import type { Provider } from './provider.ts';
import { BadToken } from './token-verifier.ts';

/** Logins that one browser may have under way: each has a cookie. */
const MAX_LOGINS = 5;

export interface LoginOptions {
  readonly provider: Provider;
  readonly claims: ClaimsReader;
  readonly seal: Seal;
  readonly counts: Counts;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  readonly scope: string;
  readonly prefix: string;
  readonly cookieName: string;
  /** In milliseconds. */
  readonly timeout: number;
}

/** What a login's cookie holds. */
interface Begun {
  readonly id: string;
  readonly nonce: string;
  readonly verifier: string;
  readonly at: number;
}
/** What goes to the provider and comes back. */
interface State {
  readonly id: string;
  readonly target: string;
  /** How often it was begun anew. */
  readonly again: number;
}

export type CallbackResult =
  | {
      readonly outcome: 'session';
      readonly session: NewSession;
      readonly target: string;
      readonly cookies: readonly string[];
    }
  /** Its cookie is gone: too late, or finished in another tab. */
  | { readonly outcome: 'gone'; readonly target: string; readonly again: number }
  | { readonly outcome: 'refused'; readonly reason: string; readonly cookies: readonly string[] };

export class Login {
  readonly #options: LoginOptions;

  constructor(options: LoginOptions) {
    this.#options = options;
  }

  #cookie(id: string): string {
    return `${this.#options.cookieName}-login-${id}`;
  }

  #redirectUri({ secure, host }: Client): string {
    return `${secure ? 'https' : 'http'}://${host}${this.#options.prefix}/callback`;
  }

  /**
   * Send a browser to the provider.
   * @returns undefined while the provider does not answer
   */
  async begin(
    { target, again, client, own }: { target: string; again: number; client: Client; own: ReadonlyMap<string, string> },
    secureCookies: boolean,
  ): Promise<{ location: string; cookies: string[] } | undefined> {
    const { provider, seal, scope, timeout } = this.#options;
    if (!(await provider.look())) return undefined;
    const configuration = await provider.configuration();
    if (configuration === undefined) return undefined;
    const begun: Begun = {
      // In the order of time, so that the oldest of many is known.
      id: `${Date.now().toString(36)}-${openid.randomState().slice(0, 12)}`,
      nonce: openid.randomNonce(),
      verifier: openid.randomPKCECodeVerifier(),
      at: Date.now(),
    };
    const state = await seal.seal('state', { id: begun.id, target, again } satisfies State);
    const location = openid.buildAuthorizationUrl(configuration, {
      redirect_uri: this.#redirectUri(client),
      scope,
      state,
      nonce: begun.nonce,
      code_challenge: await openid.calculatePKCECodeChallenge(begun.verifier),
      code_challenge_method: 'S256',
    });
    const attributes = { secure: secureCookies, maxAge: Math.ceil(timeout / 1000) };
    const older = [...own.keys()].filter((name) => name.startsWith(this.#cookie(''))).toSorted();
    return {
      location: location.href,
      cookies: [
        ...writeCookie(this.#cookie(begun.id), await seal.seal('login', begun), attributes),
        ...older
          .slice(0, Math.max(0, older.length + 1 - MAX_LOGINS))
          .flatMap((name) => writeCookie(name, '', { ...attributes, maxAge: 0 })),
      ],
    };
  }

  /**
   * A browser comes back.
   * @param query of the request
   * @throws what hinders the conversation with the provider: HttpError
   */
  async finish(
    query: string,
    { client, own }: { client: Client; own: ReadonlyMap<string, string> },
    secureCookies: boolean,
  ): Promise<CallbackResult> {
    const { seal, prefix, timeout } = this.#options;
    const url = new URL(`${this.#redirectUri(client)}?${query}`);
    const sealed = url.searchParams.getAll('state');
    const state = sealed.length === 1 ? ((await seal.open('state', sealed[0]!)) as State | undefined) : undefined;
    if (state === undefined) return { outcome: 'refused', reason: 'state', cookies: [] };
    const target = localTarget(state.target, prefix);
    const name = this.#cookie(state.id);
    const begun = (await seal.open('login', own.get(name) ?? '')) as Begun | undefined;
    const cookies = own.has(name) ? writeCookie(name, '', { secure: secureCookies, maxAge: 0 }) : [];
    if (begun === undefined || begun.id !== state.id || Date.now() - begun.at > timeout)
      return { outcome: 'gone', target, again: state.again };
    const denied = url.searchParams.get('error');
    if (denied !== null)
      return { outcome: 'refused', reason: denied === 'access_denied' ? 'access_denied' : 'provider', cookies };
    try {
      return { outcome: 'session', session: await this.#exchange(url, sealed[0]!, begun), target, cookies };
    } catch (error) {
      const reason = reasonOf(error);
      if (reason === undefined) throw error;
      this.#options.log.warn({ reason }, 'a login was refused');
      return { outcome: 'refused', reason, cookies };
    }
  }

  async #exchange(url: URL, state: string, begun: Begun): Promise<NewSession> {
    const { provider, claims, log } = this.#options;
    const configuration = await provider.configuration();
    if (configuration === undefined) throw new Error('the provider is not known');
    const answer = await openid.authorizationCodeGrant(configuration, url, {
      pkceCodeVerifier: begun.verifier,
      expectedState: state,
      expectedNonce: begun.nonce,
      idTokenExpected: true,
    });
    const { session, dropped } = await claims.read(answer, begun.nonce);
    const { missing } = groupsField(session.groups);
    if (dropped > 0 || missing > 0)
      log.warn(
        { groups: session.groups.length + dropped, missing, dropped },
        'more groups than fit: the application is told the first of them; rules look at all that the session keeps, those that they name first',
      );
    return session;
  }
}

/** Why a login was refused, in a word; undefined where the provider could not be spoken to. */
export function reasonOf(error: unknown): string | undefined {
  if (error instanceof BadToken || error instanceof Claimed) return error.reason;
  const { code = '', name = '', cause } = error as { code?: string; name?: string; cause?: unknown };
  if (name === 'HttpError') return undefined;
  // openid-client wraps what its fetch threw.
  if ((cause as { name?: string } | undefined)?.name === 'HttpError') return undefined;
  if (name === 'ResponseBodyError') return 'grant';
  if (name === 'AuthorizationResponseError') return 'provider';
  return code === '' ? undefined : (claimOf(cause) ?? 'response');
}

/** openid-client says in its causes which claim was wrong. */
function claimOf(cause: unknown): string | undefined {
  const inner = (cause as { cause?: { claim?: unknown } } | undefined)?.cause;
  const claim = inner?.claim ?? (cause as { claim?: unknown } | undefined)?.claim;
  return typeof claim === 'string' && /^[a-z_]{1,20}$/.test(claim) ? claim : undefined;
}

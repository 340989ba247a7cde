/** Ends of sessions: asked for by the browser (RP-Initiated Logout), or by the provider (Back-Channel Logout). */
import * as openid from 'openid-client';
import { explain } from '#kit/text/explain.ts';
import type { Logger } from '#kit/telemetry/log.ts';
import type { Reply } from '#proxy/http/reply.ts';
import type { Counts } from '../lib/counts.ts';
import { readCookie, removeCookie } from '../http/cookies.ts';
import { json, page, redirect, setCookies } from '../http/pages.ts';
import { RevocationsFull, type Revocations } from '../sessions/revocations.ts';
import type { Sessions } from '../sessions/sessions.ts';
import type { Tunnels } from '../sessions/tunnels.ts';
import type { RequestContext } from '../lib/request-context.ts';
import type { Provider } from './provider.ts';
import { BadToken } from './token-verifier.ts';

/** Longest body of a logout request, in bytes. */
const MAX_BODY = 16 * 1024;

export interface LogoutOptions {
  readonly provider: Provider;
  readonly sessions: Sessions;
  readonly revocations: Revocations;
  readonly tunnels: Tunnels;
  readonly counts: Counts;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  readonly clientId: string;
  readonly cookieName: string;
}

export class Logout {
  readonly #options: LogoutOptions;

  constructor(options: LogoutOptions) {
    this.#options = options;
  }

  /** @param target where the browser goes in the end: a path of this site */
  async signOut({ client, own, secureCookies }: RequestContext, target: string): Promise<Reply> {
    const { provider, sessions, tunnels, counts, clientId, cookieName } = this.#options;
    const cookies = setCookies(removeCookie(cookieName, secureCookies, own));
    const session = (await sessions.find(readCookie(own, cookieName)))?.session;
    if (session !== undefined) {
      await sessions.end(session);
      tunnels.look();
      counts.logouts.add('rp');
      if (session.refreshToken !== undefined) this.#revoke(session.refreshToken);
    }
    const configuration = await provider.configuration();
    if (configuration?.serverMetadata().end_session_endpoint === undefined)
      return page({
        status: 200,
        title: 'You are signed out',
        text: ['The login service may still know you.'],
        fields: cookies,
      });
    const location = openid.buildEndSessionUrl(configuration, {
      client_id: clientId,
      post_logout_redirect_uri: `${client.secure ? 'https' : 'http'}://${client.host}${target}`,
      ...(session?.idToken !== undefined && { id_token_hint: session.idToken }),
    });
    return redirect(location.href, cookies);
  }

  /** The provider forgets the refresh token (RFC 7009); nobody waits for it. */
  #revoke(refreshToken: string): void {
    const { provider, log } = this.#options;
    void (async () => {
      const configuration = await provider.configuration();
      if (configuration?.serverMetadata().revocation_endpoint !== undefined)
        await openid.tokenRevocation(configuration, refreshToken, { token_type_hint: 'refresh_token' });
    })().catch((error: unknown) => log.warn({ reason: explain(error) }, 'a refresh token could not be revoked'));
  }

  async backchannel({ exchange }: RequestContext): Promise<Reply> {
    const { provider, revocations, tunnels, counts, log, clientId } = this.#options;
    const refused = (reason: string): Reply => {
      counts.rejected.add(`logout_${reason}`);
      log.warn({ reason }, 'a logout token was refused');
      return json(400, { error: 'invalid_request', error_description: reason });
    };
    const type = exchange.request.get('content-type') ?? '';
    if (!/^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(type)) return refused('content_type');
    const body = await exchange.readBody(MAX_BODY);
    const tokens = new URLSearchParams(body?.toString('latin1')).getAll('logout_token');
    if (tokens.length !== 1) return refused('no_token');
    try {
      const { sid, sub, jti } = await provider.tokens.logout(tokens[0]!, clientId);
      if (revocations.has('jti', jti)) return refused('replayed');
      await (sid === undefined ? revocations.add('sub', sub!) : revocations.add('sid', sid));
      await revocations.add('jti', jti);
    } catch (error) {
      if (error instanceof BadToken) return refused(error.reason);
      if (!(error instanceof RevocationsFull)) throw error;
      log.warn({ reason: error.message }, 'a logout cannot be written down');
      return json(503, { error: 'temporarily_unavailable' });
    }
    tunnels.look();
    counts.logouts.add('backchannel');
    return { status: 200, fields: [['Cache-Control', 'no-store']] };
  }
}

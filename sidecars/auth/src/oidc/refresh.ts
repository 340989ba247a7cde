/** Renewing access tokens: one refresh a session at a time, since rotating refresh tokens are good for one. */
import * as openid from 'openid-client';
import type { Logger } from '#kit/telemetry/log.ts';
import type { Counts } from '../lib/counts.ts';
import { Lru } from '../lib/lru.ts';
import type { Session } from '../sessions/session.ts';
import type { Sessions } from '../sessions/sessions.ts';
import type { ClaimsReader } from './claims.ts';
import { reasonOf } from './login.ts';
import type { Provider } from './provider.ts';

/** After a failure a session is left alone for so long, in milliseconds. */
const PAUSE = 5000;
const MAX_REMEMBERED = 10_000;

export interface RefreshOptions {
  readonly provider: Provider;
  readonly claims: ClaimsReader;
  readonly sessions: Sessions;
  readonly counts: Counts;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  /** A session came to its end. */
  readonly onEnd: (session: Session) => void;
}

export class Refresh {
  readonly #options: RefreshOptions;
  readonly #running = new Map<string, Promise<Session | undefined>>();
  /** When a session may be tried again. */
  readonly #paused = new Lru<number>(MAX_REMEMBERED);

  constructor(options: RefreshOptions) {
    this.#options = options;
  }

  /** Whether a session should be refreshed before it is used. */
  due({ id, refreshAt, refreshToken }: Session): boolean {
    if (refreshAt === undefined || refreshToken === undefined || Date.now() < refreshAt) return false;
    return (this.#paused.get(id) ?? 0) <= Date.now();
  }

  /**
   * Refresh a session; all who ask meanwhile get the same.
   * @returns the renewed session, the same one where the provider does not answer, undefined where it refuses
   */
  async run(session: Session): Promise<Session | undefined> {
    const running = this.#running.get(session.id);
    if (running !== undefined) return await running;
    const started = this.#refresh(session).finally(() => this.#running.delete(session.id));
    this.#running.set(session.id, started);
    return await started;
  }

  async #refresh(session: Session): Promise<Session | undefined> {
    const { provider, claims, sessions, counts, log, onEnd } = this.#options;
    const pause = (): Session => {
      counts.refreshes.add('unavailable');
      this.#paused.set(session.id, Date.now() + PAUSE);
      return session;
    };
    const configuration = provider.up ? await provider.configuration() : undefined;
    if (configuration === undefined) return pause();
    let rotated: Session | undefined;
    try {
      const answer = await openid.refreshTokenGrant(configuration, session.refreshToken!);
      // The former token is spent now: what follows may fail, and must not lose the new one.
      if (answer.refresh_token !== undefined) rotated = { ...session, refreshToken: answer.refresh_token };
      const renewed = await sessions.renew(session, (await claims.read(answer, undefined, session)).session);
      counts.refreshes.add('ok');
      return renewed;
    } catch (error) {
      const reason = reasonOf(error);
      if (reason === undefined) {
        pause();
        return rotated === undefined ? session : await sessions.renew(session, rotated);
      }
      counts.refreshes.add('refused');
      log.info({ reason }, 'a session ended: the provider refused to renew it');
      await sessions.end(session);
      onEnd(session);
      return undefined;
    }
  }
}

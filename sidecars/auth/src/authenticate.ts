/** Who sent a request: by its Authorization, its API key, or its session. */
import type { Request } from '#proxy/http/request.ts';
import { clientKey, type Client } from './http/client.ts';
import { readCookie } from './http/cookies.ts';
import type { RateLimit } from '#kit/time/rate-limit.ts';
import type { Method } from './lib/identity.ts';
import type { ApiKeys } from './methods/api-keys.ts';
import type { Passwords } from './methods/basic.ts';
import type { Bearer } from './methods/jwt.ts';
import type { Result } from './methods/result.ts';
import type { Refresh } from './oidc/refresh.ts';
import type { Session } from './sessions/session.ts';
import type { Found, Sessions } from './sessions/sessions.ts';

/** What was found out about a request. */
export type Caller =
  | Result
  | {
      readonly ok: true;
      readonly identity: Session;
      readonly session: Session;
      /** What the client shall keep from now on. */ readonly cookie?: string;
    }
  /** It shows nothing. */
  | undefined;

export interface AuthenticateOptions {
  readonly methods: ReadonlySet<Method>;
  readonly cookieName: string;
  readonly sessions: Sessions | undefined;
  readonly refresh: Refresh | undefined;
  readonly bearer: Bearer | undefined;
  readonly passwords: Passwords | undefined;
  readonly apiKeys: ApiKeys | undefined;
  /** Failed passwords and keys, by client. */
  readonly failures: RateLimit;
}

const API_KEY = 'x-api-key';

export class Authenticator {
  readonly #options: AuthenticateOptions;

  constructor(options: AuthenticateOptions) {
    this.#options = options;
  }

  /**
   * Look at a request's credentials, which then are no longer among its fields.
   * @returns no promise where it is known already
   */
  look(request: Request, own: ReadonlyMap<string, string>, client: Client): Caller | Promise<Caller> {
    const { bearer, passwords, apiKeys, cookieName } = this.#options;
    const authorization = bearer || passwords ? request.get('authorization') : undefined;
    const key = apiKeys ? request.get(API_KEY) : undefined;
    if (key !== undefined) request.delete(API_KEY);
    if (authorization !== undefined) {
      const blank = authorization.indexOf(' ');
      const scheme = authorization.slice(0, blank).toLowerCase();
      const credentials = authorization.slice(blank + 1).trim();
      if (bearer && scheme === 'bearer') {
        request.delete('authorization');
        return bearer.look(credentials);
      }
      if (passwords && scheme === 'basic') {
        request.delete('authorization');
        return this.#limited(client, (wait) => passwords.look(credentials, wait));
      }
    }
    if (apiKeys && key !== undefined) return this.#limited(client, () => apiKeys.look(key));
    const cookie = own.size === 0 ? '' : readCookie(own, cookieName);
    return cookie === '' ? undefined : this.#session(cookie);
  }

  /** Failures count against a client; while it has had too many, its next one is 429. */
  #limited(client: Client, look: (wait: () => number) => Result | Promise<Result>): Result | Promise<Result> {
    const { failures } = this.#options;
    const key = clientKey(client.address);
    const judge = (result: Result): Result => {
      if (result.ok !== false) return result;
      const wait = failures.take(key);
      return wait > 0 ? { ok: 'later', method: result.method, wait } : result;
    };
    const result = look(() => failures.wait(key));
    return result instanceof Promise ? result.then(judge) : judge(result);
  }

  #session(cookie: string): Caller | Promise<Caller> {
    const { sessions } = this.#options;
    if (sessions === undefined) return undefined;
    const found = sessions.find(cookie);
    if (found instanceof Promise) return found.then((later) => this.#use(later));
    return this.#use(found);
  }

  #use(found: Found | undefined): Caller | Promise<Caller> {
    if (found === undefined) return undefined;
    const { session, stale } = found;
    if (this.#options.refresh?.due(session)) return this.#refreshed(session);
    if (stale) return this.#touched(session);
    return { ok: true, identity: session, session };
  }

  async #refreshed(session: Session): Promise<Caller> {
    const renewed = await this.#options.refresh!.run(session);
    return renewed && (await this.#touched(renewed));
  }

  async #touched(session: Session): Promise<Caller> {
    const touched = await this.#options.sessions!.touch(session);
    return { ok: true, identity: touched.session, session: touched.session, cookie: touched.cookie };
  }
}

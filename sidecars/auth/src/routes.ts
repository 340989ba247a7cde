/** The sidecar's own routes, by the names that oauth2-proxy gave them. */
import { explain } from '#kit/text/explain.ts';
import type { Logger } from '#kit/telemetry/log.ts';
import type { Reply } from '#proxy/http/reply.ts';
import type { Answers } from './answers.ts';
import type { Caller } from './authenticate.ts';
import type { Counts } from './lib/counts.ts';
import { clientKey } from './http/client.ts';
import { writeCookie } from './http/cookies.ts';
import { isOwnNavigation } from './http/navigation.ts';
import { json, page, redirect, retryAfter, setCookies } from './http/pages.ts';
import type { RateLimit } from '#kit/time/rate-limit.ts';
import { localTarget } from './http/target.ts';
import { groupsField, type Identity } from './lib/identity.ts';
import type { Login } from './oidc/login.ts';
import type { Logout } from './oidc/logout.ts';
import type { Sessions } from './sessions/sessions.ts';
import type { RequestContext } from './lib/request-context.ts';

/** How long a client waits before it asks again for a provider that is down, in milliseconds. */
const PROVIDER_RETRY = 5000;

export interface RoutesOptions {
  readonly prefix: string;
  readonly cookieName: string;
  readonly answers: Answers;
  readonly counts: Counts;
  readonly log: Pick<Logger, 'warn'>;
  readonly logins: RateLimit;
  /** Absent without OpenID Connect. */
  readonly oidc: { readonly login: Login; readonly logout: Logout; readonly sessions: Sessions } | undefined;
}

type Look = (visit: RequestContext) => Caller | Promise<Caller>;

export class Routes {
  readonly #options: RoutesOptions;

  constructor(options: RoutesOptions) {
    this.#options = options;
  }

  /** @param name of the route: the path behind the prefix */
  answer(name: string, visit: RequestContext, look: Look): Reply | Promise<Reply> {
    const { method } = visit.exchange.request;
    const { oidc } = this.#options;
    const methods: Readonly<Record<string, string>> = {
      userinfo: 'GET',
      auth: 'GET',
      ...(oidc && { start: 'GET', callback: 'GET', sign_out: 'GET, POST', 'backchannel-logout': 'POST' }),
    };
    const allowed = Object.hasOwn(methods, name) ? methods[name] : undefined;
    if (allowed === undefined) return page({ status: 404, title: 'There is nothing here', text: [] });
    // A subrequest of a proxy comes with the method of the request that it is about.
    if (name !== 'auth' && !allowed.split(', ').includes(method))
      return page({ status: 405, title: 'Not by this method', text: [], fields: [['Allow', allowed]] });
    switch (name) {
      case 'userinfo':
        return this.#userinfo(visit, look);
      case 'auth':
        return this.#auth(visit, look);
      case 'start':
        return this.#guarded(() => this.#start(visit, query(visit).get('rd'), 0));
      case 'callback':
        return this.#guarded(() => this.#callback(visit, look));
      case 'sign_out':
        return this.#guarded(() => this.#signOut(visit));
      default:
        return oidc!.logout.backchannel(visit);
    }
  }

  async #userinfo(visit: RequestContext, look: Look): Promise<Reply> {
    const caller = await look(visit);
    if (caller?.ok !== true) return json(401, { error: 'unauthenticated' });
    const { sub, email, groups, preferredUsername } = caller.identity;
    return json(200, { user: sub, email, groups, preferredUsername });
  }

  async #auth(visit: RequestContext, look: Look): Promise<Reply> {
    const caller = await look(visit);
    if (caller?.ok !== true) return json(401, { error: 'unauthenticated' });
    return { status: 202, fields: [['Cache-Control', 'no-store'], ...authRequestFields(caller.identity)] };
  }

  /** A provider that does not answer makes a page, not a failure. */
  async #guarded(work: () => Promise<Reply>): Promise<Reply> {
    try {
      return await work();
    } catch (error) {
      const { cause, name } = error as { cause?: unknown; name?: string };
      const http = name === 'HttpError' ? error : cause;
      if ((http as { name?: string } | undefined)?.name !== 'HttpError') throw error;
      this.#options.log.warn({ reason: explain(http) }, 'the provider could not be asked');
      return this.#unavailable();
    }
  }

  #unavailable(): Reply {
    this.#options.counts.logins.add('unavailable');
    return page({
      status: 503,
      title: 'The login service does not answer',
      text: ['Nothing is wrong with your account. Try again in a moment; who is signed in already is not affected.'],
      fields: [retryAfter(PROVIDER_RETRY)],
    });
  }

  async #start(visit: RequestContext, target: string | null, again: number): Promise<Reply> {
    const { prefix, logins, answers, counts, oidc } = this.#options;
    const wait = logins.take(clientKey(visit.client.address));
    if (wait > 0) {
      counts.logins.add('limited');
      return answers.tooMany(visit.exchange.request, wait);
    }
    const { client, own, secureCookies } = visit;
    const begun = await oidc!.login.begin({ target: localTarget(target, prefix), again, client, own }, secureCookies);
    if (begun === undefined) return this.#unavailable();
    counts.logins.add('begun');
    return redirect(begun.location, setCookies(begun.cookies));
  }

  /** A link or a form of another site cannot sign anybody out: its reader is asked. */
  async #signOut(visit: RequestContext): Promise<Reply> {
    const { prefix, oidc } = this.#options;
    const { request } = visit.exchange;
    const target = localTarget(query(visit).get('rd'), prefix);
    // Programs say nothing of where they come from; browsers do with every POST.
    if (isOwnNavigation(request, visit.client.host) ?? request.method === 'POST')
      return await oidc!.logout.signOut(visit, target);
    return page({
      status: 200,
      title: 'Sign out?',
      text: ['A link led here. You are still signed in.'],
      form: { action: `${prefix}/sign_out?rd=${encodeURIComponent(target)}`, label: 'Sign out' },
    });
  }

  async #callback(visit: RequestContext, look: Look): Promise<Reply> {
    const { prefix, cookieName, counts, oidc } = this.#options;
    const { exchange, client, own, secureCookies } = visit;
    const back = await oidc!.login.finish(queryText(exchange.request.target), { client, own }, secureCookies);
    switch (back.outcome) {
      case 'session': {
        const { cookie } = await oidc!.sessions.begin(back.session);
        counts.logins.add('ok');
        const session = writeCookie(cookieName, cookie, { secure: secureCookies }, own);
        return redirect(back.target, setCookies([...session, ...back.cookies]));
      }
      case 'gone': {
        // Another tab has finished a login meanwhile: that one is as good.
        if ((await look(visit))?.ok === true) return redirect(back.target);
        counts.logins.add('late');
        if (back.again === 0) return await this.#start(visit, back.target, 1);
        return page({
          status: 400,
          title: 'The login could not be finished',
          text: ['It took too long, or your browser does not keep the cookie of this site.'],
          link: { href: startAt(prefix, back.target), label: 'Try again' },
        });
      }
      case 'refused':
        counts.logins.add('refused');
        counts.rejected.add(`login_${back.reason}`);
        return page({
          status: back.reason === 'state' ? 400 : 403,
          title: 'The login was refused',
          text: [
            back.reason === 'access_denied'
              ? 'You, or the login service for you, refused to share who you are.'
              : `The answer of the login service was not accepted (${back.reason}).`,
          ],
          link: { href: startAt(prefix, '/'), label: 'Try again' },
          fields: setCookies(back.cookies),
        });
    }
  }
}

const startAt = (prefix: string, target: string): string => `${prefix}/start?rd=${encodeURIComponent(target)}`;

function queryText(target: string): string {
  const at = target.indexOf('?');
  return at === -1 ? '' : target.slice(at + 1);
}

const query = ({ exchange }: RequestContext): URLSearchParams =>
  new URLSearchParams(queryText(exchange.request.target));

/** For a proxy that asks before it lets a request through (nginx' auth_request, Traefik's forwardAuth). */
function authRequestFields({ sub, email, preferredUsername, groups }: Identity): (readonly [string, string])[] {
  const text = (value: string): string => groupsField([value]).text;
  return [
    ['X-Auth-Request-User', text(sub)],
    ...(email ? [['X-Auth-Request-Email', text(email)] as const] : []),
    ...(preferredUsername ? [['X-Auth-Request-Preferred-Username', text(preferredUsername)] as const] : []),
    ...(groups.length > 0 ? [['X-Auth-Request-Groups', groupsField(groups).text] as const] : []),
  ];
}

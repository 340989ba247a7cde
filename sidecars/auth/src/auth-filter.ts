/** The filter: who may pass, and what the application is told of them. */
import { FORWARDED, kindOf } from '#proxy/http/field-names.ts';
import type { Reply } from '#proxy/http/reply.ts';
import type { Request } from '#proxy/http/request.ts';
import type { Filter, FilteredExchange } from '#proxy/filters/filter.ts';
import type { Answers } from './answers.ts';
import type { Authenticator, Caller } from './authenticate.ts';
import type { Counts } from './lib/counts.ts';
import type { TrustedProxies } from './http/client.ts';
import { splitCookies, writeCookie } from './http/cookies.ts';
import { isCrossOrigin } from './http/navigation.ts';
import { dropIdentity, identityLines } from './lib/identity.ts';
import { markPrivate } from './http/private.ts';
import type { Routes } from './routes.ts';
import { accessOf } from './rules/of-request.ts';
import { allows, type Access, type Rules } from './rules/rules.ts';
import type { Revocations } from './sessions/revocations.ts';
import type { Tunnels } from './sessions/tunnels.ts';
import type { RequestContext } from './lib/request-context.ts';

export interface AuthFilterOptions {
  readonly trusted: TrustedProxies;
  readonly rules: () => Rules;
  readonly authenticator: Authenticator;
  readonly answers: Answers;
  readonly routes: Routes;
  readonly counts: Counts;
  readonly tunnels: Tunnels;
  readonly revocations: Revocations;
  readonly cookieName: string;
  readonly prefix: string;
  readonly passAccessToken: boolean;
  /** Mark what is let in by credentials as one client's own. */
  readonly privateResponses: boolean;
  /** How long a session lasts, in milliseconds. */
  readonly lifetime: number;
}

export function authFilter(options: AuthFilterOptions): Filter {
  const { trusted, rules, authenticator, answers, routes, counts, tunnels, cookieName, prefix } = options;
  /** Cookies for the client, whatever the answer is, as lines; '' for a request that was let in without. */
  const cookies = new WeakMap<FilteredExchange, string>();
  /** Whether what lets an upgrade in is still good. */
  const upgrades = new WeakMap<FilteredExchange, () => boolean>();

  const look = (visit: RequestContext): Caller | Promise<Caller> => {
    const caller = authenticator.look(visit.exchange.request, visit.own, visit.client);
    return caller instanceof Promise ? caller.then((later) => keep(visit, later)) : keep(visit, caller);
  };

  /** What the client shall keep goes with the answer. */
  const keep = ({ exchange, own, secureCookies }: RequestContext, caller: Caller): Caller => {
    if (caller?.ok === true && 'cookie' in caller && caller.cookie !== undefined) {
      const values = writeCookie(cookieName, caller.cookie, { secure: secureCookies }, own);
      cookies.set(exchange, values.map((value) => `Set-Cookie: ${value}\r\n`).join(''));
    }
    return caller;
  };

  const decide = ({ exchange }: RequestContext, access: Access, caller: Caller): Reply | undefined => {
    const { request } = exchange;
    if (caller?.ok === true) {
      const { identity } = caller;
      const may = allows(access, identity.groups);
      counts.requests.add(`${identity.method} ${may ? 'allowed' : 'forbidden'}`);
      if (!may) {
        exchange.reason = 'forbidden';
        return answers.forbidden(request);
      }
      request.appendLines(identityLines(identity, options.passAccessToken));
      if (options.privateResponses && !cookies.has(exchange)) cookies.set(exchange, '');
      if (request.upgrade !== '') upgrades.set(exchange, goodness(caller, options));
      return undefined;
    }
    const method = caller?.method ?? 'none';
    if (caller?.ok === false) counts.rejected.add(`${caller.method}_${caller.reason}`);
    if (access.kind === 'public') {
      counts.requests.add(`${method} public`);
      return undefined;
    }
    if (caller?.ok === 'later') {
      exchange.reason = 'limited';
      counts.requests.add(`${method} limited`);
      return answers.tooMany(request, caller.wait);
    }
    exchange.reason = caller === undefined ? 'unauthenticated' : `${caller.method}_${caller.reason}`;
    counts.requests.add(`${method} ${caller === undefined ? 'unauthenticated' : 'refused'}`);
    return answers.login(request, caller !== undefined);
  };

  return {
    onRequest(exchange) {
      const { request } = exchange;
      const client = trusted.clientOf(exchange);
      if (client.trusted) dropIdentity(request);
      else if (trusted.any) dropForwarded(request);
      const visit: RequestContext = {
        exchange,
        client,
        own: takeCookies(request, cookieName),
        secureCookies: client.secure || cookieName.startsWith('__'),
      };
      const { path } = request;
      if (path.startsWith(prefix) && path[prefix.length] === '/')
        return routes.answer(path.slice(prefix.length + 1), visit, look);
      if (request.upgrade !== '' && isCrossOrigin(request, client.host)) {
        counts.rejected.add('origin');
        exchange.reason = 'origin';
        return answers.forbidden(request);
      }
      const access = accessOf(rules(), request);
      exchange.route = rules().route(request.method, path);
      if (access === undefined) {
        counts.rejected.add('path');
        exchange.reason = 'path';
        return answers.badPath(request);
      }
      if (access.kind === 'deny') {
        counts.requests.add('none denied');
        exchange.reason = 'denied';
        return answers.forbidden(request, 'Nobody may do this here.');
      }
      const caller = look(visit);
      if (caller instanceof Promise) return caller.then((later) => decide(visit, access, later));
      return decide(visit, access, caller);
    },
    onResponse(exchange, response) {
      const lines = cookies.get(exchange);
      if (lines === undefined) return;
      if (options.privateResponses) markPrivate(response);
      // A cache that keeps the answer must not hand its session to others.
      else response.appendLines('Cache-Control: no-cache="Set-Cookie"\r\n');
      if (lines !== '') response.appendLines(lines);
    },
    onEnd(exchange) {
      if (exchange.outcome !== 'switched') return;
      const good = upgrades.get(exchange);
      // The sidecar speaks HTTP/1 alone, so that a connection is one tunnel's.
      if (good) tunnels.add(exchange.downstream.socket, good);
    },
  };
}

/** Whether what let a caller in is still good. */
function goodness(caller: Caller & { readonly ok: true }, { revocations, lifetime }: AuthFilterOptions): () => boolean {
  if ('session' in caller) {
    const { session } = caller;
    return () => !revocations.covers(session) && Date.now() < session.createdAt + lifetime;
  }
  return caller.good;
}

/** Who is no trusted proxy does not say who called, in any spelling. */
function dropForwarded(request: Request): void {
  const names = [...request].map(([name]) => name).filter((name) => kindOf(name) === FORWARDED);
  for (const name of names) request.delete(name);
}

const NO_COOKIES: ReadonlyMap<string, string> = new Map();

/** The sidecar's cookies, which the application must not see. */
function takeCookies(request: Request, cookieName: string): ReadonlyMap<string, string> {
  const fields = request.getAll('cookie');
  if (fields.length === 0) return NO_COOKIES;
  const { own, rest } = splitCookies(fields.join('; '), cookieName);
  if (own.size === 0) return NO_COOKIES;
  request.delete('cookie');
  if (rest !== '') request.appendLines(`Cookie: ${rest}\r\n`);
  return own;
}

/** What a client is told that may not go on: a person gets a page, a program gets JSON. */
import type { Reply } from '#proxy/http/reply.ts';
import type { Request } from '#proxy/http/request.ts';
import { isNavigation } from './http/navigation.ts';
import { json, page, redirect, retryAfter } from './http/pages.ts';
import { PathPattern } from '#proxy/paths/pattern.ts';
import { pathVariants } from '#proxy/paths/variants.ts';
import { localTarget } from './http/target.ts';
import type { Method } from './lib/identity.ts';

export interface AnswersOptions {
  readonly methods: ReadonlySet<Method>;
  readonly prefix: string;
  /** Patterns of paths that get JSON, for every client. */
  readonly apiPaths: readonly string[];
}

export class Answers {
  readonly #options: AnswersOptions;
  readonly #apiPaths: readonly PathPattern[];

  constructor(options: AnswersOptions) {
    this.#options = options;
    this.#apiPaths = options.apiPaths.map((path) => new PathPattern(path));
  }

  #forPerson(request: Request): boolean {
    if (!isNavigation(request)) return false;
    const variants = pathVariants(request.path) ?? [];
    return !this.#apiPaths.some((pattern) => variants.some((path) => pattern.matches(path)));
  }

  /** @param wrong it showed credentials that are not good */
  login(request: Request, wrong: boolean): Reply {
    const { methods, prefix } = this.#options;
    const challenges = this.#challenges(wrong);
    // Who shows a token, a password or a key is a program, whatever it accepts.
    const person = this.#forPerson(request) && (!wrong || !methods.has('oidc'));
    if (!person || (!methods.has('oidc') && challenges.length === 0))
      return json(
        401,
        { error: 'unauthenticated', ...(methods.has('oidc') && { login: `${prefix}/start` }) },
        challenges,
      );
    if (!methods.has('oidc'))
      return page({
        status: 401,
        title: 'Sign in',
        text: ['This page asks for a name and a password.'],
        fields: challenges,
      });
    const start = (target: string): string => `${prefix}/start?rd=${encodeURIComponent(target)}`;
    if (request.method === 'GET' || request.method === 'HEAD')
      return redirect(start(localTarget(request.target, prefix)));
    return page({
      status: 401,
      title: 'You are signed out',
      text: [
        'What you sent has not reached the application, and nothing of it is lost.',
        'Sign in in a new tab, then come back to this one and reload it: your browser asks whether to send it again.',
      ],
      link: { href: start('/'), label: 'Sign in in a new tab', newTab: true },
    });
  }

  #challenges(wrong: boolean): (readonly [string, string])[] {
    const { methods } = this.#options;
    const challenges: (readonly [string, string])[] = [];
    if (methods.has('jwt')) challenges.push(['WWW-Authenticate', wrong ? 'Bearer error="invalid_token"' : 'Bearer']);
    // Beside a login page a browser's own window for passwords would be in the way.
    if (methods.has('basic') && !methods.has('oidc'))
      challenges.push(['WWW-Authenticate', 'Basic realm="login", charset="UTF-8"']);
    return challenges;
  }

  forbidden(request: Request, why = 'Your account may not do this here.'): Reply {
    if (!this.#forPerson(request)) return json(403, { error: 'forbidden' });
    return page({ status: 403, title: 'No access', text: [why] });
  }

  /** @param wait milliseconds */
  tooMany(request: Request, wait: number): Reply {
    if (!this.#forPerson(request)) return json(429, { error: 'too_many_attempts' }, [retryAfter(wait)]);
    return page({
      status: 429,
      title: 'Too many attempts',
      text: [`From your address too many logins were begun. Wait ${Math.ceil(wait / 1000)} s, then try again.`],
      fields: [retryAfter(wait)],
    });
  }

  badPath(request: Request): Reply {
    if (!this.#forPerson(request)) return json(400, { error: 'path' });
    return page({
      status: 400,
      title: 'This address cannot be read',
      text: ['Its path means different things to different servers.'],
    });
  }
}

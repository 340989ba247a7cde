/** Clients of the stack: one that keeps cookies as a browser does, and knows the stack's names; its providers. */
import { once } from 'node:events';
import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Project } from '../../../scripts/lib/compose.ts';
import type { Stage } from '../../../scripts/scenario/scenario.ts';

export const SHOP = 'https://shop.example:8443';
export const LOBBY = 'http://lobby.example:4180';
export const TRAP = 'http://trap-pod:4180';
export const ROGUE = 'http://rogue:9000';
export const WHOAMI = '/cgi-bin/whoami.cgi';
/** The app's page that shows what it was told. */
export const whoami = (at: string): string => `${at}${WHOAMI}`;

/** How each name of the stack is reached from outside. */
const PUBLISHED: Readonly<Record<string, string>> = {
  'shop.example:8443': 'SHOP',
  'id.example:8443': 'ID',
  'lobby.example:4180': 'LOBBY',
  'trap-pod:4180': 'TRAP',
  'rogue:9000': 'ROGUE',
};
const PATIENCE = 30_000;

const authorities = new WeakMap<Project, Promise<string>>();

/** The stack's CA as PEM. */
export function authorityOf(project: Project): Promise<string> {
  const known = authorities.get(project);
  if (known) return known;
  const asked = project.exec('shop-auth', ['cat', '/certs/ca.pem']);
  asked.catch(() => authorities.delete(project));
  authorities.set(project, asked);
  return asked;
}

export interface Answer {
  readonly url: string;
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Ask {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** The request's target as it stands, where a URL would tidy it up. */
  readonly target?: string;
}

/** One request, as a browser that navigates. */
export async function ask(
  stage: Stage,
  url: string,
  { method = 'GET', headers, body, target }: Ask = {},
): Promise<Answer> {
  const { protocol, host, hostname, pathname, search } = new URL(url);
  const published = PUBLISHED[host];
  if (published === undefined) throw new Error(`${host} is no name of the stack`);
  const options = {
    host: '127.0.0.1',
    port: stage.port(published),
    path: target ?? pathname + search,
    method,
    agent: false as const,
    signal: AbortSignal.any([stage.signal, AbortSignal.timeout(PATIENCE)]),
    headers: {
      host,
      'sec-fetch-mode': 'navigate',
      'sec-fetch-site': 'none',
      accept: 'text/html',
      ...(body !== undefined && {
        'content-type': 'application/x-www-form-urlencoded',
        'content-length': String(Buffer.byteLength(body)),
      }),
      ...headers,
    },
  };
  const request =
    protocol === 'https:'
      ? httpsRequest({ ...options, servername: hostname, ca: await authorityOf(stage.project) })
      : httpRequest(options);
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return { url, status: response.statusCode!, headers: response.headers, body: text };
}

/** Somebody with a cookie jar. */
export class Visitor {
  readonly #stage: Stage;
  /** By host, then by name. */
  readonly #jars = new Map<string, Map<string, string>>();

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  jar(url: string): Map<string, string> {
    const { host } = new URL(url);
    const jar = this.#jars.get(host) ?? new Map<string, string>();
    this.#jars.set(host, jar);
    return jar;
  }

  /** The Cookie field for a URL. */
  cookie(url: string): string {
    return [...this.jar(url)].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  async ask(url: string, asked: Ask = {}): Promise<Answer> {
    const cookie = this.cookie(url);
    const answer = await ask(this.#stage, url, { ...asked, headers: { ...(cookie && { cookie }), ...asked.headers } });
    const jar = this.jar(url);
    for (const line of answer.headers['set-cookie'] ?? []) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (/;\s*(?:max-age=0|expires=Thu, 01 Jan 1970)/i.test(line)) jar.delete(name);
      else jar.set(name, value);
    }
    return answer;
  }

  async xhr(url: string, headers: Record<string, string> = {}): Promise<Answer> {
    return await this.ask(url, { headers: { 'sec-fetch-mode': 'cors', accept: '*/*', ...headers } });
  }

  /** Follow redirects until something else comes. */
  async follow(url: string): Promise<Answer> {
    let answer = await this.ask(url);
    for (let hop = 0; hop < 15 && answer.status >= 302 && answer.status <= 303; hop++)
      answer = await this.ask(new URL(answer.headers.location!, answer.url).href);
    return answer;
  }

  /** Log in at the shop's provider, whose form takes any name, and come back. */
  async login(name: string, url = whoami(SHOP)): Promise<Answer> {
    let answer = await this.follow(url);
    for (let form = 0; form < 4 && /name="prompt"/.test(answer.body); form++) {
      const action = /action="([^"]+)"/.exec(answer.body)![1]!;
      const prompt = /name="prompt" value="(\w+)"/.exec(answer.body)![1]!;
      const body = new URLSearchParams({
        prompt,
        ...(prompt === 'login' && { login: name, password: 'any' }),
      }).toString();
      const sent = await this.ask(new URL(action, answer.url).href, { method: 'POST', body });
      answer = await this.follow(new URL(sent.headers.location!, answer.url).href);
    }
    return answer;
  }

  /** Somebody else with the same cookies. */
  copy(): Visitor {
    const other = new Visitor(this.#stage);
    for (const [host, jar] of this.#jars) other.#jars.set(host, new Map(jar));
    return other;
  }
}

/** What the app was told, by the name of its environment variable. */
export const told = ({ body }: Pick<Answer, 'body'>): Readonly<Record<string, string>> =>
  Object.fromEntries(body.split('\n').map((line) => [line.split('=', 1)[0]!, line.slice(line.indexOf('=') + 1)]));

/** Tell the provider that lies what to do. @returns the tokens that were asked for, and what it has counted */
export async function orderRogue(
  stage: Stage,
  order: unknown,
): Promise<{ tokens: string[]; counts: Record<string, number> }> {
  const { body } = await ask(stage, `${ROGUE}/order`, { method: 'POST', body: JSON.stringify(order) });
  return JSON.parse(body) as { tokens: string[]; counts: Record<string, number> };
}

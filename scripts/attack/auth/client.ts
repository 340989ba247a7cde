/** Connections to the sidecar under attack, and the good client's login. */
import { Agent, request, type OutgoingHttpHeaders } from 'node:http';
import { answerOf, type Answer } from '../client.ts';
import type { Random } from '../random.ts';

export const PORT = 4180;
/** The good client's. */
export const KEY = 'a key of the attack suite, long enough for a key';
const GOOD = '192.0.2.1';
const agent = new Agent({ keepAlive: true });

/** What the application was told, as it answers. */
export interface Told {
  readonly target: string;
  readonly user: string | null;
}

export interface Ask {
  readonly method?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string;
  readonly port?: number;
  readonly signal: AbortSignal;
}

/** One request, with its path as it stands. @throws when there is no answer */
export const ask = (path: string, { method = 'GET', headers = {}, body, port = PORT, signal }: Ask): Promise<Answer> =>
  answerOf(request({ host: '127.0.0.1', port, path, method, headers, agent, signal }), body);

/** The same for a hostile client; undefined where it was cut off, or the time is over. */
export const tryAsk = async (path: string, asked: Ask): Promise<Answer | undefined> =>
  await ask(path, asked).catch(() => undefined);

/** Some address of hostile clients. */
export const anyAddress = (random: Random): string =>
  `198.${18 + random.below(2)}.${random.below(256)}.${1 + random.below(254)}`;

let session: string | undefined;
let turn = 0;

/** What a good client does: by its key and by its session in turn. @throws when it is served wrongly */
export async function askAsGoodClient(signal: AbortSignal): Promise<void> {
  const fields = { 'x-forwarded-for': GOOD, 'sec-fetch-mode': 'navigate' };
  session ??= await logIn(fields, signal);
  const byKey = turn++ % 2 === 0;
  const shown = byKey ? { 'x-api-key': KEY } : { cookie: session };
  const { status, headers, body } = await ask('/page', { headers: { ...fields, ...shown }, signal });
  const user = byKey ? 'robot' : 'ann';
  if (status !== 200 || body !== JSON.stringify({ target: '/page', user } satisfies Told))
    throw new Error(`answered ${status} ${body.slice(0, 100)}`);
  if (headers['cache-control'] !== 'private') throw new Error('an answer that is not private');
}

/** @returns the Cookie field of a session */
async function logIn(headers: OutgoingHttpHeaders, signal: AbortSignal): Promise<string> {
  const start = await ask('/oauth2/start?rd=/page', { headers, signal });
  const login = cookiesOf(start);
  const to = new URL(String(start.headers.location));
  const back = new URL(
    String((await ask(to.pathname + to.search, { port: Number(to.port), signal })).headers.location),
  );
  const done = await ask(back.pathname + back.search, { headers: { ...headers, cookie: login }, signal });
  if (done.status !== 302) throw new Error(`the login was answered ${done.status}`);
  return cookiesOf(done);
}

const cookiesOf = ({ headers }: Answer): string =>
  (headers['set-cookie'] ?? [])
    .filter((line) => !line.includes('Max-Age=0'))
    .map((line) => line.split(';', 1)[0])
    .join('; ');

/** Attacks on the config server's interface, and on config-sync by its origin. */
import { readFileSync } from 'node:fs';
import { request, type RequestOptions } from 'node:http';
import { answerOf, clients, PIECES, several, type Answer } from '../client.ts';
import type { Random } from '../random.ts';
import type { Attack, AttackSuite } from '../suite.ts';
import { origin } from './origin.ts';

const SERVER = 'sidecar';
const PORT = 8080;
const TARGET = { host: SERVER, ports: [PORT] };
const tokens = Object.fromEntries(
  readFileSync(`${import.meta.dirname}/tokens`, 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .map(([name = '', , token = '']) => [name, token]),
);

type Sent = Omit<RequestOptions, 'headers'> & { body?: string; headers?: Readonly<Record<string, string>> };

/** A request with a token. @throws when there is no answer */
const ask = (token: string, path: string, { body, headers, ...options }: Sent = {}): Promise<Answer> =>
  answerOf(
    request({
      host: SERVER,
      port: PORT,
      path,
      agent: false,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
      ...options,
    }),
    body,
  );

interface Chosen {
  readonly token: string;
  readonly path: string;
  readonly options?: Sent;
}

/** Requests, some at a time; the attack succeeds with an answer that a judge does not allow. */
const requests =
  (choose: (random: Random) => Chosen, allowed: (status: number) => boolean): Attack =>
  ({ random, signal }) =>
    several(8, async () => {
      const { token, path, options } = choose(random);
      const answer = await ask(token, path, { ...options, signal }).catch(() => undefined);
      if (answer !== undefined && !allowed(answer.status))
        throw new Error(
          `${JSON.stringify({ token, path, options })} got ${answer.status} ${answer.body.slice(0, 100)}`,
        );
    });

const forbidden = (status: number): boolean => status === 401 || status === 403;
const refused = (status: number): boolean => status >= 400 && status < 500;
const head = (path: string, fields = ''): string =>
  `GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${tokens['hostile']}\r\n${fields}\r\n`;
const CHANGES = [
  { path: '/v1/documents/good.json', method: 'PUT', body: '{"release":0}' },
  { path: '/v1/documents/other.json', method: 'PUT', body: '{}' },
  { path: '/v1/documents/good.json', method: 'DELETE' },
  { path: '/v1/documents/good.json/rollback', method: 'POST', body: '{"version":1}' },
] as const;
const change = (random: Random, token: string): Chosen => {
  const { path, ...options } = random.pick(CHANGES);
  return { token, path, options: { ...options, headers: { 'if-match': `"${1 + random.below(50)}"` } } };
};
const forged = (random: Random): string => {
  const token = tokens['operator']!;
  return random.pick([
    token.slice(0, -1),
    `${token}x`,
    token.toUpperCase(),
    'operator',
    '',
    `${tokens['hostile']},${token.slice(0, 8)}`,
    random.bytes(20).toString('hex'),
  ]);
};

let release = 0;

export const suite: AttackSuite = {
  sidecar: 'sidecar',
  besides: ['sync', 'misled'],
  admin: `http://${SERVER}:9971`,
  // The one watch is that of config-sync.
  gauges: [],
  never: ['config_server_refusals_total{reason="internal"}'],
  attacks: {
    'tokens that are none': requests((random) => change(random, forged(random)), forbidden),
    'changes with a token to read': requests((random) => change(random, tokens['hostile']!), forbidden),
    'codes that are guessed': requests(
      (random) => ({
        token: '',
        path: '/v1/sessions',
        options: { method: 'POST', body: JSON.stringify({ code: random.bytes(16).toString('base64url') }) },
      }),
      refused,
    ),
    'codes without end': requests(
      () => ({ token: tokens['hostile']!, path: '/v1/logins', options: { method: 'POST' } }),
      (status) => status === 201 || status === 503,
    ),
    'reports without end': requests(
      (random) => ({
        token: tokens['hostile']!,
        path: `/v1/documents/good.json/versions/${1 + random.below(50)}/reports`,
        options: {
          method: 'POST',
          body: JSON.stringify({ sidecar: `s${random.below(1e6)}`, state: 'applied', reason: 'x'.repeat(2000) }),
        },
      }),
      (status) => status === 201 || refused(status) || status === 503,
    ),
    'paths and queries that are nearly legal': requests(
      (random) => ({
        token: tokens['hostile']!,
        path: random.pick([
          `/v1/documents/${'%2e%2e%2f'.repeat(random.below(20))}etc%2fpasswd`,
          `/v1/documents/${'k'.repeat(random.below(5000))}`,
          '/v1/documents/%ff',
          '/v1/documents/good.json/versions/1e3',
          `/v1/documents/good.json/diff?from=-1&to=${'9'.repeat(random.below(400))}`,
          '/v1/documents/good.json?wait=1e9s',
          `/v1/watch?${'key=a&'.repeat(random.below(2000))}`,
          '/v1/audit?limit=99999999999999999999',
          "/v1/documents/good.json'%20OR%201=1--",
        ]),
      }),
      refused,
    ),
    'bodies that are nearly legal': requests(
      (random) => ({
        token: tokens['operator']!,
        path: '/v1/documents/hostile.json/rollback',
        options: { method: 'POST', body: random.pick(['[', '{"version":1e99}', '['.repeat(100_000), 'x'.repeat(3e6)]) },
      }),
      refused,
    ),
    'watches that are not read': clients({ ...TARGET, count: 1500, reads: false }, () =>
      head('/v1/watch?reports=true'),
    ),
    'long polls that stay': clients({ ...TARGET, count: 1500 }, () => head('/v1/documents/none.json?wait=120s')),
    'clients that do not read': clients({ ...TARGET, count: 200, reads: false }, () => head('/v1/audit').repeat(200)),
    'connections that send nothing': clients({ ...TARGET, count: 3000 }, () => ''),
    'heads that never end': clients({ ...TARGET, count: 1500 }, () => 'GET / HTTP/1.1\r\nHost: x\r\nX: '),
    'bodies that never end': clients({ ...TARGET, count: 500 }, () =>
      head('/v1/watch', 'Content-Length: 900000\r\n').replace('GET', 'POST'),
    ),
    'pieces without end': clients({ ...TARGET, count: 200 }, () =>
      head('/v1/watch', 'Transfer-Encoding: chunked\r\n').replace('GET', 'POST').concat(PIECES),
    ),
    'random bytes': clients({ ...TARGET, count: 100 }, (random) =>
      random.bytes(1 + random.below(2000)).toString('latin1'),
    ),
    'an origin that lies': origin,
  },
  /** Change a document, read it, and look at what config-sync has written. */
  async good(signal) {
    const operator = tokens['operator']!;
    const body = JSON.stringify({ release: ++release });
    const before = await ask(operator, '/v1/documents/good.json', { signal });
    const condition: Record<string, string> =
      before.status === 200 ? { 'if-match': before.headers.etag! } : { 'if-none-match': '*' };
    const put = await ask(operator, '/v1/documents/good.json', { method: 'PUT', headers: condition, body, signal });
    if (put.status !== 200 && put.status !== 201) throw new Error(`a change got ${put.status} ${put.body}`);
    const read = await ask(operator, '/v1/documents/good.json', { signal });
    if (read.status !== 200 || read.body !== body) throw new Error(`a reader got ${read.status} ${read.body}`);
    const written = fileOf('/live/good.json');
    if (written !== undefined && !(JSON.parse(written) as { release: number }).release)
      throw new Error(`config-sync wrote ${written}`);
    for (const name of ['bad.json', 'bad.yaml'])
      if (fileOf(`/misled/${name}`) !== undefined) throw new Error(`${name} was taken from an origin that lies`);
  },
};

function fileOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

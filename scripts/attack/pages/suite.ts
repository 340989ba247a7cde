/** Attacks on topz and probe, by a neighbour on the network: pages and admin ports that have no password. */
import { request } from 'node:http';
import { answerOf, clients, PIECES, several } from '../client.ts';
import type { Random } from '../random.ts';
import type { Attack, AttackSuite } from '../suite.ts';

const POD = 'pod';
const PAGE = 8080;
const TOPZ = 9921;
const PROBE = 9931;
const PORTS = [PAGE, TOPZ, PROBE] as const;
const TARGET = { host: POD, ports: PORTS };
/** In the application's command line. */
const SECRET = 'not-to-be-seen';
const LARGE = ['/topz?format=json&history', '/topz/page.js', '/metrics', '/'];

const head = (path: string, fields = 'Host: 127.0.0.1\r\n', method = 'GET'): string =>
  `${method} ${path} HTTP/1.1\r\n${fields}\r\n`;

/** Requests one after the other, each of which a judge may find answered as it must not be. */
const requests =
  (
    choose: (random: Random) => { path: string; method?: string; headers?: Record<string, string>; port?: number },
    judge: (status: number, body: string) => boolean,
  ): Attack =>
  ({ random, signal }) =>
    several(8, async () => {
      const { port = random.pick(PORTS), ...options } = choose(random);
      const answer = await answerOf(request({ host: POD, port, agent: false, signal, ...options })).catch(
        () => undefined,
      );
      if (answer !== undefined && judge(answer.status, answer.body))
        throw new Error(`${JSON.stringify({ port, ...options })} got ${answer.status} ${answer.body.slice(0, 100)}`);
    });

const STRANGERS = ['site.example', 'localhost.site.example', '127.0.0.1.site.example', 'localhost@site.example'];
const BROKEN = [
  'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n',
  'GET /\0 HTTP/1.1\r\n\r\n',
  'GET http://[ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n',
  'GET // HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n',
  'GET /topz?%ff=%zz&pid=%00 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'CONNECT pod:22 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n',
];

export const suite: AttackSuite = {
  sidecar: 'sidecar',
  besides: ['probe', 'app'],
  admin: `http://127.0.0.1:${TOPZ}`,
  gauges: [],
  never: [],
  attacks: {
    'connections that send nothing': clients({ ...TARGET, count: 400 }, () => ''),
    'heads that never end': clients({ ...TARGET, count: 400 }, () => 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: '),
    'bodies that never end': clients({ ...TARGET, count: 200 }, () =>
      head('/', 'Host: 127.0.0.1\r\nContent-Length: 9\r\n', 'POST'),
    ),
    'pieces without end': clients({ ...TARGET, count: 200 }, () =>
      head('/', 'Host: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n', 'POST').concat(PIECES),
    ),
    'clients that do not read': clients({ ...TARGET, count: 200, reads: false }, (random) =>
      head(random.pick(LARGE)).repeat(200),
    ),
    'long heads': clients({ ...TARGET, count: 50 }, (random) => head(`/${'p'.repeat(random.below(100_000))}`)),
    'requests that are nearly legal': clients({ ...TARGET, count: 100 }, (random) => random.pick(BROKEN)),
    'random bytes': clients({ ...TARGET, count: 100 }, (random) =>
      random.bytes(1 + random.below(2000)).toString('latin1'),
    ),
    'pages under names of others': requests(
      (random) => ({ port: PAGE, path: random.pick(LARGE), headers: { host: random.pick(STRANGERS) } }),
      (status) => status < 400,
    ),
    'methods that change something': requests(
      (random) => ({
        path: random.pick(['/', '/topz', '/metrics', '/healthz', '/readyz', '/purge', '/quitquitquit', '/restart']),
        method: random.pick(['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']),
      }),
      (status) => status < 400,
    ),
    'processes by hostile numbers': requests(
      (random) => ({
        port: PAGE,
        path: `/topz?format=${random.pick(['json', 'text'])}&pid=${random.pick(['../1', '-1', '1e3', '0x1', '1/environ', `${random.below(2 ** 31)}`, `${random.below(60)}`])}`,
      }),
      (status, body) => status >= 500 || body.includes(SECRET),
    ),
  },
  async good(signal) {
    const ask = (port: number, path: string): ReturnType<typeof answerOf> =>
      answerOf(request({ host: '127.0.0.1', port, path, agent: false, signal }));
    const { status, body } = await ask(PAGE, '/topz?format=text');
    if (status !== 200 || !body.includes('app.ts') || body.includes(SECRET))
      throw new Error(`the page answered ${status} ${body.slice(0, 2000)}`);
    for (const port of [TOPZ, PROBE]) {
      const ready = await ask(port, '/readyz');
      if (ready.status !== 200) throw new Error(`${port} answered ${ready.status} ${ready.body}`);
    }
  },
};

/** Attacks on adapters: on the port of their metrics, and by databases that lie. */
import { request } from 'node:http';
import { answerOf, clients, PIECES, type Answer } from '../client.ts';
import type { AttackSuite } from '../suite.ts';
import { databases } from './databases.ts';

const SIDECAR = 'database';
const MISLED = ['misled', 'misled-too'] as const;
const PORT = 9992;
const TARGET = { host: SIDECAR, ports: [PORT] };

const ask = (host: string, path: string, signal: AbortSignal): Promise<Answer> =>
  answerOf(request({ host, port: PORT, path, agent: false, signal }));

export const suite: AttackSuite = {
  sidecar: 'sidecar',
  besides: ['misled', 'misled-too'],
  admin: `http://${SIDECAR}:${PORT}`,
  gauges: [],
  never: [],
  attacks: {
    'scrapes without end': clients({ ...TARGET, count: 100 }, () =>
      'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(50),
    ),
    'clients that do not read': clients({ ...TARGET, count: 200, reads: false }, () =>
      'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(200),
    ),
    'connections that send nothing': clients({ ...TARGET, count: 1000 }, () => ''),
    'heads that never end': clients({ ...TARGET, count: 500 }, () => 'GET /metrics HTTP/1.1\r\nHost: x\r\nX: '),
    'bodies that never end': clients(
      { ...TARGET, count: 200 },
      () => 'POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n',
    ),
    'pieces without end': clients(
      { ...TARGET, count: 200 },
      () => `POST /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${PIECES}`,
    ),
    'random bytes': clients({ ...TARGET, count: 100 }, (random) =>
      random.bytes(1 + random.below(2000)).toString('latin1'),
    ),
    'databases that lie': databases,
  },
  /** Scrape all three: the one tells of its database, the others that theirs is down, or a part of its lies. */
  async good(signal) {
    const metrics = await ask(SIDECAR, '/metrics', signal);
    if (metrics.status !== 200 || !/^redis_up 1$/m.test(metrics.body))
      throw new Error(`a scrape got ${metrics.status} ${/^redis_up.*$/m.exec(metrics.body)?.[0] ?? ''}`);
    for (const host of MISLED) {
      const { status, body } = await ask(host, '/metrics', signal);
      if (status !== 200 || !/^(?:redis|mysql)_up [01]$/m.test(body))
        throw new Error(`a scrape of ${host} got ${status} ${body.slice(0, 100)}`);
      const bad = body.split('\n').find((line) => line !== '' && !LINE.test(line));
      if (bad !== undefined) throw new Error(`${host} shows ${JSON.stringify(bad.slice(0, 200))}`);
    }
  },
};

/** A line of the text format. Source: https://prometheus.io/docs/instrumenting/exposition_formats/ */
const LINE = /^(?:#.*|[a-zA-Z_:][\w:]*(?:\{(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\n"])*",?)*\})? \S+)$/;

/** Attacks on git-sync: on the port of its webhooks by who knows no secret, and by the server of its repository. */
import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { answerOf, clients, PIECES, several } from '../client.ts';
import type { Random } from '../random.ts';
import type { Attack, AttackSuite } from '../suite.ts';
import { server } from './server.ts';

const SIDECAR = 'sidecar';
const WEBHOOKS = 9940;
const ADMIN = 9941;
const TARGET = { host: SIDECAR, ports: [WEBHOOKS, ADMIN] };
const HOOKS = { host: SIDECAR, ports: [WEBHOOKS] };
const SECRET = readFileSync(`${import.meta.dirname}/secret`, 'utf8').trim();
const CONTENT = '/git/current/index.html';

/** Each is another one: what was there before is refused as a recording. */
const push = (): string =>
  JSON.stringify({
    ref: 'refs/heads/main',
    after: randomBytes(20).toString('hex'),
    repository: { pushed_at: Math.floor(Date.now() / 1000) },
  });
const signature = (body: string, secret: string): string => createHmac('sha256', secret).update(body).digest('hex');
const head = (fields = ''): string => `POST / HTTP/1.1\r\nHost: x\r\nX-GitHub-Event: push\r\n${fields}\r\n`;

/** Proofs of who does not know the secret. */
const proofs = (random: Random, body: string): Record<string, string> =>
  random.pick([
    {},
    { 'x-hub-signature-256': `sha256=${signature(body, '')}` },
    { 'x-hub-signature-256': `sha256=${signature(body, SECRET.slice(0, -1))}` },
    { 'x-hub-signature-256': `sha1=${signature(body, SECRET)}` },
    { 'x-hub-signature-256': `sha256=${signature(`${body} `, SECRET)}` },
    { 'x-gitea-signature': signature(body, 'x').toUpperCase() },
    { 'x-gitlab-token': '' },
    { 'x-gitlab-token': SECRET.toUpperCase() },
    { 'x-hub-signature-256': 'sha256=', 'x-gitea-signature': '', 'x-gitlab-token': '' },
  ]);

/** Webhooks of who does not know the secret. */
const unsigned: Attack = ({ random, signal }) =>
  several(8, async () => {
    const body = push();
    const headers = { 'x-github-event': 'push', 'x-gitlab-event': 'Push Hook', ...proofs(random, body) };
    const { status } = await answerOf(
      request({ host: SIDECAR, port: WEBHOOKS, method: 'POST', agent: false, headers, signal }),
      body,
    ).catch(() => ({ status: 0 }));
    if (status >= 200 && status < 400) throw new Error(`${JSON.stringify(headers)} got ${status}`);
  });

export const suite: AttackSuite = {
  sidecar: SIDECAR,
  besides: ['misled'],
  admin: `http://${SIDECAR}:${ADMIN}`,
  gauges: [],
  never: [],
  attacks: {
    'webhooks without the secret': unsigned,
    'bodies without end': clients(
      { ...HOOKS, count: 200 },
      () => head('Content-Length: 4000000\r\n') + 'x'.repeat(65_536),
    ),
    'bodies that are too large': clients(
      { ...HOOKS, count: 50 },
      () => head('Content-Length: 99999999999\r\n') + 'x'.repeat(65_536),
    ),
    'pieces without end': clients({ ...HOOKS, count: 200 }, () => head('Transfer-Encoding: chunked\r\n') + PIECES),
    'answers that are waited for': clients(
      { ...HOOKS, count: 200 },
      () => head('Prefer: wait=600\r\nContent-Length: 2\r\n') + '{}',
    ),
    'clients that do not read': clients({ ...TARGET, count: 200, reads: false }, () =>
      'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(200),
    ),
    'connections that send nothing': clients({ ...TARGET, count: 1000 }, () => ''),
    'heads that never end': clients({ ...TARGET, count: 500 }, () => 'POST / HTTP/1.1\r\nHost: x\r\nX: '),
    'random bytes': clients({ ...TARGET, count: 100 }, (random) =>
      random.bytes(1 + random.below(2000)).toString('latin1'),
    ),
    'a server that lies': server,
  },
  /** Push, and read what is published. */
  async good(signal) {
    const body = push();
    const { status } = await answerOf(
      request({
        host: SIDECAR,
        port: WEBHOOKS,
        method: 'POST',
        agent: false,
        headers: {
          'x-github-event': 'push',
          'x-github-delivery': randomUUID(),
          'x-hub-signature-256': `sha256=${signature(body, SECRET)}`,
        },
        signal,
      }),
      body,
    );
    if (status !== 202) throw new Error(`a webhook got ${status}`);
    const content = readFileSync(CONTENT, 'utf8');
    if (content !== 'well\n') throw new Error(`published is ${content}`);
    if (existsSync('/misled/current')) throw new Error('something of a server that lies was published');
  },
};

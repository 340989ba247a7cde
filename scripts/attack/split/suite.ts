/** Attacks on the ambassador's split mode: clients that would have the new version, which is well, taken back. */
import { once } from 'node:events';
import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { answerOf, dial, several } from '../client.ts';
import type { Random } from '../random.ts';
import type { Attack, AttackSuite } from '../suite.ts';

const PORT = 8070;
/** Whose cookie leads to which version, at a share of half. */
const VISITORS = { old: 'visitor-2', new: 'visitor-57' };

/** Send something as a visitor of the new version, and leave. @param before when, once it was sent */
const leave =
  (text: (random: Random) => string, before: 'at once' | 'after a while' | 'with the answer'): Attack =>
  (context) =>
    several(10, async () => {
      const { random, signal } = context;
      const socket = await dial(PORT, signal);
      if (socket === undefined) return;
      socket.write(text(random), 'latin1');
      if (before === 'after a while') await sleep(random.below(250), undefined, { signal }).catch(() => {});
      if (before === 'with the answer') await once(socket, 'data', { signal }).catch(() => {});
      if (random.chance(0.5)) socket.resetAndDestroy();
      else socket.destroy();
    });

const head = (start: string, fields = ''): string =>
  `${start} HTTP/1.1\r\nHost: localhost\r\nCookie: split=${VISITORS.new}\r\n${fields}\r\n`;
const BROKEN = ['zz\r\n', '5\r\nab', 'ffffffffffffffffff\r\n', '3\r\nabcd\r\n', '-1\r\n', '5;x\nabcde\r\n'];

export const suite: AttackSuite = {
  sidecar: 'sidecar',
  admin: 'http://127.0.0.1:9961',
  gauges: ['client_connections'],
  never: ['split_backoffs', 'split_fallbacks', 'split_errors'],
  attacks: {
    'clients that leave at once': leave(() => head('GET /slow'), 'at once'),
    'clients that leave while they wait': leave(() => head('GET /slow'), 'after a while'),
    'clients that leave within an answer': leave(() => head('GET /large'), 'with the answer'),
    'clients that leave within an upload': leave(
      (random) => head('POST /', 'Content-Length: 100000\r\n') + 'x'.repeat(random.below(99_999)),
      'after a while',
    ),
    'clients that leave within many requests': leave(() => head('GET /slow').repeat(20), 'after a while'),
    'bodies that are no chunks': leave(
      (random) => head('POST /', 'Transfer-Encoding: chunked\r\n') + random.pick(BROKEN),
      'after a while',
    ),
    'upgrades that nobody goes on with': leave(
      () => head('GET /slow', 'Connection: upgrade\r\nUpgrade: websocket\r\n'),
      'after a while',
    ),
  },
  async good(signal) {
    for (const [version, visitor] of Object.entries(VISITORS)) {
      const headers = { cookie: `split=${visitor}` };
      const { status, body } = await answerOf(
        request({ host: '127.0.0.1', port: PORT, headers, agent: false, signal }),
      );
      if (status !== 200 || body !== version) throw new Error(`a visitor of ${version} got ${status} ${body}`);
    }
  },
};

/** The app crashes, the sidecar is killed, clients are slow. */
import { once } from 'node:events';
import { connect as tcpConnect, type Socket } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import * as assert from 'uvu/assert';
import { eventually, steadily } from '#kit/testing/eventually.ts';
import { netNamespace, ready } from '../../../scripts/lib/admin.ts';
import type { Scenario } from '../../../scripts/lib/scenario.ts';
import { authorityOf, fetchPage, home, HOST, PAGE } from '../client.ts';

export function faultObligations({ must }: Scenario): void {
  must(
    'answer 503 for an app that crashed, and be back without touching anything else',
    {
      say: 'The app crashes. Until it is back its clients get a 503 with Retry-After, and nothing else in the pod restarts.',
    },
    async (stage) => {
      const ca = await authorityOf(stage.project);
      const { project, say } = stage;
      const others = async (): Promise<string[]> =>
        (await project.containers())
          .filter(({ Name }) => !Name.includes('-guestbook-1'))
          .map(({ Name, State, RestartCount }) => `${Name} ${State.StartedAt} ${RestartCount}`)
          .toSorted();
      const [namespace, before, app] = await Promise.all([
        netNamespace(project, 'guestbook'),
        others(),
        project.inspect('guestbook'),
      ]);
      const crash = project.crash('guestbook');
      const down = await eventually(
        'clients get a 503',
        async () => {
          const answer = await fetchPage(home(stage), { ca });
          return answer.status === 503 && answer;
        },
        { every: 5 },
      );
      assert.match(down.headers['retry-after'] ?? '', /^\d+$/);
      await crash;
      await eventually('the app answers again', async () => (await fetchPage(home(stage), { ca })).status === 200, {
        within: 20_000,
      });
      assert.is((await project.inspect('guestbook')).RestartCount, app.RestartCount + 1);
      assert.is(await netNamespace(project, 'guestbook'), namespace, 'the app is back in the same network namespace');
      assert.is(await netNamespace(project, 'guestbook-tls'), namespace, 'and so is its sidecar');
      assert.equal(await others(), before, 'start times and restart counts of the others');

      await project.stop('guestbook');
      assert.is((await fetchPage(home(stage), { ca })).status, 503);
      await eventually('/readyz says that the app is down', async () => !(await ready(project, 'guestbook-tls')));
      await project.start('guestbook');
      await eventually('/readyz says that it is back', () => ready(project, 'guestbook-tls'));
      say(`same namespace ${namespace} before and after; ${before.length} other containers untouched`);
    },
  );

  must(
    'come back when the sidecar is killed, unnoticed by the app',
    {
      say: 'Now the sidecar is killed. It comes back; the app never noticed.',
    },
    async (stage) => {
      const ca = await authorityOf(stage.project);
      const { project } = stage;
      const life = async (): Promise<string> => {
        const { State, RestartCount } = await project.inspect('guestbook');
        return `${State.StartedAt} ${RestartCount} ${await project.exec('guestbook', ['cat', '/proc/1/stat']).then((stat) => stat.split(' ')[21])}`;
      };
      const before = await life();
      await project.crash('guestbook-tls');
      await eventually('HTTPS answers again', async () => (await fetchPage(home(stage), { ca })).status === 200, {
        within: 20_000,
      });
      assert.ok((await project.inspect('guestbook-tls')).RestartCount > 0, 'the sidecar was restarted');
      assert.is(await life(), before, 'start time, restarts and first process of the app');
    },
  );

  must(
    'serve everybody while slow clients hold connections',
    {
      say: 'A hundred and fifty slow clients: half a handshake, half a header, half a body. Everybody else is served as before, and the slow are let go.',
    },
    async (stage) => {
      const ca = await authorityOf(stage.project);
      const port = stage.port('HTTPS');
      const slow: Socket[] = [];
      const closed: Promise<unknown>[] = [];
      const keep = (socket: Socket): void => {
        slow.push(socket);
        closed.push(once(socket.on('error', () => {}).resume(), 'close'));
      };
      for (let index = 0; index < 50; index++) {
        keep(tcpConnect(port, HOST));
        for (const begin of [
          'GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ',
          `POST ${PAGE} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nname=`,
        ]) {
          const socket = tlsConnect({ host: HOST, port, ca, servername: HOST });
          socket.once('secureConnect', () => socket.write(begin));
          keep(socket);
        }
      }
      try {
        const times: number[] = [];
        await steadily(
          async () => {
            const begin = performance.now();
            assert.is((await fetchPage(home(stage), { ca })).status, 200);
            times.push(performance.now() - begin);
          },
          1500,
          10,
        );
        const slowest = Math.max(...times);
        assert.ok(slowest < 1500, `the slowest of ${times.length} requests took ${slowest.toFixed(0)} ms`);
        // TLS_IDLE_TIMEOUT, the longest of the three limits, is 4 s in this stack.
        await eventually('all slow clients are let go', () => slow.every((socket) => socket.destroyed), {
          within: 15_000,
        });
        await Promise.all(closed);
        stage.say(
          `${times.length} requests beside ${slow.length} slow clients, the slowest in ${slowest.toFixed(0)} ms`,
        );
      } finally {
        for (const socket of slow) socket.destroy();
      }
    },
  );
}

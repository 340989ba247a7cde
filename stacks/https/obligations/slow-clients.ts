/** Clients that hold connections without making use of them. */
import { once } from 'node:events';
import { connect as tcpConnect, type Socket } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import * as assert from 'uvu/assert';
import { eventually, steadily } from '#kit/testing/eventually.ts';
import type { Scenario } from '../../../scripts/lib/scenario.ts';
import { authorityOf, fetchPage, home, HOST, PAGE } from '../client.ts';

export function slowClientObligations({ must }: Scenario): void {
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

/** Clients that hold connections without making use of them. */
import { once } from 'node:events';
import { connect as tcpConnect, type Socket } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import * as assert from 'uvu/assert';
import { eventually, steadily } from '#kit/testing/eventually.ts';
import type { Scenario } from '../../../scripts/scenario/scenario.ts';
import { authorityOf, fetchPage, home, HOST, PAGE } from '../lib/client.ts';

export function slowClientObligations({ must }: Scenario): void {
  must(
    'serve everybody while slow clients hold connections',
    {
      say: 'A hundred and fifty slow clients: half a handshake, half a header, half a body. Other clients are served as before, and the slow connections are closed.',
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
        let beside = 0;
        await steadily(
          async () => {
            const begin = performance.now();
            assert.is((await fetchPage(home(stage), { ca })).status, 200);
            times.push(performance.now() - begin);
            // Answered while they were still there, and not after they had been let go.
            if (slow.some((socket) => !socket.destroyed)) beside += 1;
          },
          1500,
          10,
        );
        assert.ok(beside > 0, `${times.length} requests were answered, none beside a slow client`);
        // TLS_IDLE_TIMEOUT, the longest of the three limits, is 4 s in this stack.
        await eventually('all slow clients are let go', () => slow.every((socket) => socket.destroyed), {
          within: 40_000,
        });
        await Promise.all(closed);
        stage.say(
          `${times.length} requests beside ${slow.length} slow clients, the slowest in ${Math.max(...times).toFixed(0)} ms`,
        );
      } finally {
        for (const socket of slow) socket.destroy();
      }
    },
  );
}

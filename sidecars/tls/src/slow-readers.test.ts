import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { memoryBudget } from '#proxy/memory/budget.ts';
import { dial, exchange, withApp } from './test-plane.ts';

const MiB = 1024 * 1024;
const limit = memoryBudget.limit;

test.after.each(() => {
  memoryBudget.limit = limit;
});

test('HTTP/1 clients that do not read keep no more than the budget, and others are served', async () => {
  const body = Buffer.alloc(64 * MiB, 'x');
  memoryBudget.limit = 4 * MiB;
  await withApp(
    (request, response) => response.end(request.url === '/small' ? 'hi' : body),
    async (running) => {
      const sockets = await Promise.all(
        Array.from({ length: 30 }, () => dial(running.port, { ALPNProtocols: ['http/1.1'] })),
      );
      for (const socket of sockets) {
        socket.pause();
        socket.write('GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n');
      }
      await eventually('some are ended', async () => {
        assert.match(
          await exchange(running.port, 'GET /small HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'),
          /hi$/,
        );
        return /refused_total\{reason="memory"\} [1-9]/.test(await running.metrics());
      });
      assert.ok(memoryBudget.used < 2 * memoryBudget.limit, `${memoryBudget.used / MiB} MB`);
      for (const socket of sockets) socket.destroy();
      await eventually('nothing is kept', () => memoryBudget.used === 0);
    },
  );
});

test('uploads that an application does not read are counted, and given back', async () => {
  await withApp(
    (request) => request.pause(),
    async (running) => {
      const sockets = await Promise.all(
        Array.from({ length: 5 }, () => dial(running.port, { ALPNProtocols: ['http/1.1'] })),
      );
      const part = Buffer.alloc(MiB);
      for (const socket of sockets) {
        socket.write(`POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${64 * MiB}\r\n\r\n`);
        for (let each = 0; each < 16; each++) socket.write(part);
      }
      await eventually('all five wait', () => memoryBudget.used >= 5 * 64 * 1024);
      for (const socket of sockets) socket.destroy();
      await eventually('nothing is kept', () => memoryBudget.used === 0);
    },
    { TLS_IDLE_TIMEOUT: '2s' },
  );
});

test.run();

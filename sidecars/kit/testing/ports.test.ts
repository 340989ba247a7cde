import { createServer } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { freePort, freePorts } from './ports.ts';
import { listening, refused } from './server.ts';

test('a free port is one that nobody listens on, and that can be listened on at once', async () => {
  const port = await freePort();
  assert.ok(await refused(port));
  const server = createServer();
  assert.is(await listening(server, port), port);
  server.close();
});

test('a port is handed out once, however many ask', async () => {
  // Without the memory of the kernel about one in thirty thousand pairs is the same: dozens of 2,000.
  const ports = new Set<number>();
  for (let round = 0; round < 100; round++) for (const port of await freePorts(20)) ports.add(port);
  assert.is(ports.size, 2000);
});

test.run();

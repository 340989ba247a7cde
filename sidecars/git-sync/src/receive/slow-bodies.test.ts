/** Who sends slowly, and has shown no signature, keeps nobody out. */
import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { github, open, payload, post } from './test-receiver.ts';

const MAX = 65_536;

/** Send nearly all of a body of the largest size, and then nothing. */
async function slowBody(port: number, head: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write(`POST / HTTP/1.1\r\nHost: a\r\n${head}\r\n\r\n`);
  return socket;
}

for (const [name, head, body] of [
  ['declared', `Content-Length: ${MAX}`, 'x'.repeat(MAX - 1)],
  ['chunked', 'Transfer-Encoding: chunked', `${(MAX - 1).toString(16)}\r\n${'x'.repeat(MAX - 1)}\r\n`],
] as const) {
  test(`slow bodies of the largest size (${name}) do not keep real ones out`, async () => {
    const { url, port, verdicts, server } = await open('main', MAX);
    const slow: Socket[] = [];
    for (let index = 0; index < 8; index++) {
      const socket = await slowBody(port, head);
      await new Promise((resolve) => socket.write(body, resolve));
      slow.push(socket);
    }
    await eventually('some of them had to go', () => verdicts.filter((verdict) => verdict === 'busy').length >= 4);
    const begun = performance.now();
    for (const size of [10, MAX / 2, MAX - 1000]) {
      const real = payload('refs/heads/main', { padding: 'x'.repeat(size) });
      assert.is(await post(url, real, github(real)), 202, `${size} bytes`);
    }
    assert.ok(performance.now() - begun < 9000, 'before the slow ones give up their room');
    for (const socket of slow) socket.destroy();
    server.close();
  });
}

test('a body that is declared too large is refused before it is sent', async () => {
  const { port, server } = await open('main', MAX);
  const socket = await slowBody(port, `Content-Length: ${MAX + 1}`);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  assert.match(answer.toString(), /^HTTP\/1\.1 413 /);
  socket.destroy();
  server.close();
});

test.run();

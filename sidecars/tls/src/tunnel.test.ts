/** tcp mode: any protocol. */
import { once } from 'node:events';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { dial, rawApp, start, RawClient } from './test-plane.ts';

test('bytes pass both ways, and each side may end before the other', async () => {
  const app = await rawApp((socket) => {
    let heard = '';
    socket.on('data', (chunk: Buffer) => (heard += String(chunk)));
    socket.on('end', () => socket.end(`heard ${heard.length}`));
  });
  const running = await start(app.port, { TLS_MODE: 'tcp' });
  const socket = await dial(running.port, { allowHalfOpen: true } as object);
  const talk = new RawClient(socket);
  socket.end('x'.repeat(500_000));
  assert.is(await talk.until(({ closed }) => closed), 'heard 500000');
  await running.stop();
  app.close();
});

test('a slow reader halts the writer, and gets everything', async () => {
  const SIZE = 16 * 1024 * 1024;
  let stuck = false;
  const app = await rawApp((socket) => {
    socket.end(Buffer.alloc(SIZE, 97));
    setTimeout(() => (stuck = socket.writableLength > 0), 200);
  });
  const running = await start(app.port, { TLS_MODE: 'tcp' });
  const socket = await dial(running.port);
  await eventually('a halt', () => stuck);
  let size = 0;
  for await (const chunk of socket) size += (chunk as Buffer).length;
  assert.is(size, SIZE);
  await running.stop();
  app.close();
});

test('an application that knows the PROXY protocol is told who called', async () => {
  let heard = Buffer.alloc(0);
  const app = await rawApp((socket) => socket.on('data', (chunk: Buffer) => (heard = Buffer.concat([heard, chunk]))));
  const running = await start(app.port, { TLS_MODE: 'tcp', TLS_PROXY_PROTOCOL: 'true' });
  const socket = await dial(running.port);
  socket.write('hello');
  await eventually('the greeting', () => heard.includes('hello'));
  assert.is(heard.toString('latin1', 0, 14), '\r\n\r\n\0\r\nQUIT\n!\x11');
  assert.equal([...heard.subarray(16, 24)], [127, 0, 0, 1, 127, 0, 0, 1]);
  assert.is(heard.readUInt16BE(24), socket.localPort);
  assert.is(heard.readUInt16BE(26), running.port);
  assert.is(heard.readUInt16BE(14), heard.length - 16 - 5);
  assert.match(heard.toString('latin1'), 'TLSv1.3');
  socket.destroy();
  await running.stop();
  app.close();
});

test('an application that is not there closes the connection, and a silent one is closed in time', async () => {
  const app = await rawApp(() => {});
  const running = await start(app.port, { TLS_MODE: 'tcp', TLS_IDLE_TIMEOUT: '2s' });
  const silent = await dial(running.port);
  silent.resume();
  await once(silent, 'close');
  app.close();
  const refused = await dial(running.port);
  refused.resume();
  await once(refused, 'close');
  assert.match(await running.metrics(), 'tls_upstream_errors_total{reason="connect"}');
  await running.stop();
});

test.run();

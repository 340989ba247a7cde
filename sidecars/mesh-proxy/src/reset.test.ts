/** How a connection that is passed on as it is ends: a reset stays a reset, and nobody there is no quiet end. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer, connect, type Socket } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { serve } from '#kit/testing/server.ts';
import { SHOP, startPair, startPod, towards } from './testing/mesh.ts';

const LONG = { within: 60_000 };

/** How a socket ends: the code of its error, or `end`. */
async function endingOf(socket: Socket): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  socket.once('close', () => resolve('end'));
  socket.resume();
  return await promise;
}

const withFfi = process.execArgv.includes('--experimental-ffi');

if (!withFfi)
  test('with node:ffi, as the program runs', () => {
    const flags = ['--experimental-ffi', '--disable-warning=ExperimentalWarning'];
    const { status, stdout } = spawnSync(process.execPath, [...flags, import.meta.filename], { encoding: 'utf8' });
    assert.is(status, 0, stdout);
  });

for (const meshed of withFfi ? [true, false] : [false]) {
  const how = meshed ? 'mTLS' : 'the clear';

  test(`a reset of the application is one for the client, by ${how}`, async () => {
    await using app = await serve(
      createServer((socket) => {
        socket.on('error', () => {});
        socket.once('data', () => {
          socket.write('half');
          socket.once('data', () => socket.resetAndDestroy());
        });
      }),
    );
    await using mesh = await startPair(app.port, { client: { meshed, protocol: 'tcp' } });
    const socket = connect(mesh.client.plane.outboundPort, '127.0.0.1');
    const ending = endingOf(socket);
    socket.write('one');
    await once(socket, 'data');
    socket.write('two');
    assert.is(await ending, 'ECONNRESET');
  });

  test(`a reset of the client is one for the application, by ${how}`, async () => {
    let ending: string | undefined;
    await using app = await serve(
      createServer((socket) => {
        socket.write('hello');
        void endingOf(socket).then((text) => (ending = text));
      }),
    );
    await using mesh = await startPair(app.port, { client: { meshed, protocol: 'tcp' } });
    const socket = connect(mesh.client.plane.outboundPort, '127.0.0.1');
    await once(socket, 'data');
    socket.resetAndDestroy();
    assert.is(await eventually('the application has an ending', () => ending, LONG), 'ECONNRESET');
  });
}

test('a client whose application is not there is reset at once', async () => {
  await using app = await serve(createServer());
  const { port } = app;
  await app[Symbol.asyncDispose]();
  await using pod = await startPod('front', { configuration: towards([port], { meshed: false, protocol: 'tcp' }) });
  for (const meant of [SHOP, { address: '127.0.0.1', port }]) {
    pod.meant.outbound = meant;
    assert.is(await endingOf(connect(pod.plane.outboundPort, '127.0.0.1')), 'ECONNRESET', meant.address);
  }
});

test.run();

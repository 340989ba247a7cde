/** An application that listens on 127.0.0.1 alone is reached there, on the ports that the configuration names. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { createServer as createTcp } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { serve } from '#kit/testing/server.ts';
import { connected, exchange } from '#proxy/testing/raw-client.ts';
import type { InboundPort } from '#mesh/model/configuration.ts';
import { startPair } from './testing/mesh.ts';

const GET = 'GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n';
/** An address of the pod, on which its application does not listen. */
const POD = '127.0.0.3';

async function pairTo(port: number, ports: readonly InboundPort[]) {
  const mesh = await startPair(port, { server: { inbound: { mtls: 'STRICT', ports } } });
  mesh.server.meant.inbound = { address: POD, port };
  return mesh;
}

test('requests and opaque connections reach it', async () => {
  await using app = await serve((_incoming, response) => void response.end('hello'));
  await using first = await pairTo(app.port, [{ port: app.port, protocol: 'http' }]);
  assert.match(await exchange(first.client.plane.outboundPort, GET), /^HTTP\/1\.1 200 [^]*hello/);
  await using opaque = await serve(createTcp((socket) => void socket.end('220 welcome')));
  await using second = await pairTo(opaque.port, [{ port: opaque.port, protocol: 'tcp' }]);
  const talk = await connected(second.client.plane.outboundPort);
  await talk.until(({ text }) => text.includes('220 welcome'));
  talk.socket.destroy();
});

test('a port that the configuration does not name stays its own', async () => {
  await using app = await serve((_incoming, response) => void response.end('hello'));
  await using mesh = await pairTo(app.port, []);
  assert.match(await exchange(mesh.client.plane.outboundPort, GET), /^HTTP\/1\.1 503 /);
});

test('an application that starts again on another address is found there', async () => {
  const listen = async (server: Server, host: string, port = 0): Promise<number> => {
    server.listen(port, host);
    await once(server, 'listening');
    return (server.address() as { port: number }).port;
  };
  const make = (text: string): Server => createServer((_incoming, response) => void response.end(text));
  const before = make('before');
  const port = await listen(before, '127.0.0.1');
  await using mesh = await pairTo(port, [{ port, protocol: 'http' }]);
  assert.match(await exchange(mesh.client.plane.outboundPort, GET), /before/);
  before.closeAllConnections();
  before.close();
  await once(before, 'close');
  const after = make('after');
  await listen(after, POD, port);
  await eventually('it is found', async () => /after/.test(await exchange(mesh.client.plane.outboundPort, GET)));
  after.closeAllConnections();
  after.close();
});

test.run();

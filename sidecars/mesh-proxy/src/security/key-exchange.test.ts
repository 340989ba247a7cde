/** How two proxies agree on keys. */
import { createServer, type AddressInfo } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { connected } from '#proxy/testing/raw-client.ts';
import { SHOP, startPod, towards } from '../testing/mesh.ts';
import { credentialsOf, idOf, TestIdentity } from '../testing/identities.ts';
import { MeshTls } from './contexts.ts';
import { MeshServer } from './mesh-server.ts';

test('keys between proxies are exchanged by X25519MLKEM768', async () => {
  const server = new TestIdentity(await credentialsOf('books'));
  const client = new TestIdentity(await credentialsOf('front'));
  const mesh = new MeshServer(server, new MeshTls(server), 10_000);
  const listener = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (first: Buffer) =>
      mesh.take(socket, first, { onSecure: (secure) => void secure.end(), onRefused: () => {} }),
    );
  });
  const secure = Promise.withResolvers<TLSSocket>();
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const socket = connect(
    {
      port: (listener.address() as AddressInfo).port,
      host: '127.0.0.1',
      ...new MeshTls(client).towards([idOf('books')], undefined)('http/1.1'),
    },
    () => secure.resolve(socket),
  );
  socket.on('error', secure.reject);
  const { name } = (await secure.promise).getEphemeralKeyInfo() as { name?: string };
  assert.is(name, 'X25519MLKEM768');
  socket.destroy();
  listener.close();
});

test('each handshake that is begun is told, with its group', async () => {
  // Whether its answer is taken is another matter.
  const application = createServer((socket) => void socket.on('error', () => {}).end('hello')).listen(0, '127.0.0.1');
  const groups: unknown[] = [];
  const server = await startPod('shop');
  server.meant.inbound = { address: '127.0.0.1', port: (application.address() as AddressInfo).port };
  const client = await startPod('front', {
    configuration: towards([server.plane.inboundPort]),
    plane: { onSecure: (socket) => groups.push((socket.getEphemeralKeyInfo() as { name?: string }).name) },
  });
  client.meant.outbound = SHOP;
  const talk = await connected(client.plane.outboundPort);
  talk.socket.on('error', () => {});
  talk.send('GET / HTTP/1.1\r\nHost: shop\r\n\r\n');
  await eventually('there was a handshake', () => groups.length > 0);
  assert.equal([...new Set(groups)], ['X25519MLKEM768']);
  talk.socket.destroy();
  await Promise.all([client, server].map(async (pod) => pod[Symbol.asyncDispose]()));
  application.close();
});

test.run();

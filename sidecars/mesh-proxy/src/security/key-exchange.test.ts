/** How two proxies agree on keys. */
import { createServer, type AddressInfo } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
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

test.run();

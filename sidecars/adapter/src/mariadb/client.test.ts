/** What a server that means no good, or none at all, may do to the adapter. */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { withDeadline } from '../database.ts';
import { conversation } from './client.ts';

const test = suite('client of MariaDB');
const open: Server[] = [];
const sockets: Socket[] = [];
test.after(() => {
  for (const socket of sockets) socket.destroy();
  for (const server of open) server.close();
});

/** Try a conversation with a server. @returns why it failed */
async function failure(serve: (socket: Socket) => void, timeout = 60_000): Promise<string> {
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    serve(socket);
  }).listen(0, '127.0.0.1');
  open.push(server);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const at = { host: '127.0.0.1', port, user: 'watch', password: 'hunter2', ca: undefined };
  try {
    await withDeadline(timeout, (signal) => conversation(at, signal, 1000, (query) => query('SELECT 1')));
    return 'it did not fail';
  } catch (error) {
    return (error as Error).message;
  }
}

test('a server that says nothing ends with the deadline', async () => {
  assert.is(await failure(() => {}, 100), 'no answer within 0.1 s');
});

test('a server that closes at once is no answer', async () => {
  assert.match(await failure((socket) => void socket.destroy()), /closed|ECONNRESET|lost/i);
});

test('a server that answers without end is ended by its bytes', async () => {
  // A packet of 16 MiB, again and again: its length says that another follows.
  const head = Buffer.from([0xff, 0xff, 0xff, 0]);
  const why = await failure((socket) => {
    const more = (): void => {
      while (!socket.destroyed && socket.write(Buffer.alloc(1 << 20)));
    };
    socket.write(head);
    socket.on('drain', more);
    more();
  });
  assert.match(why, /more than 16777216 bytes/);
});

test('what is no greeting of the protocol is an error, and the password is in none', async () => {
  for (const bytes of ['HTTP/1.1 400 Bad Request\r\n\r\n', '\u0005\0\0\0\u000aabcd', '\u0001\0\0\0\u0000']) {
    const why = await failure((socket) => void socket.end(bytes), 5000);
    assert.not.match(why, 'hunter2');
    assert.is.not(why, 'it did not fail');
  }
});

test.run();

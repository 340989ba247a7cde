import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '../testing/eventually.ts';
import { limitConnections } from './connection-limit.ts';

const MOST = 4;
const waiting: ServerResponse[] = [];
const opened: Socket[] = [];
let asked = 0;
const server = createServer(({ url }, response) => {
  asked += 1;
  if (url === '/wait') waiting.push(response);
  else response.end('ok');
});
limitConnections(server, MOST);

test.before(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
test.after(() => {
  server.close();
  server.closeAllConnections();
});
test.after.each(async () => {
  for (const socket of opened.splice(0)) socket.destroy();
  waiting.length = 0;
  await eventually('all are gone', async () => (await open()) === 0);
});

const open = (): Promise<number> =>
  new Promise((resolve, reject) => server.getConnections((error, count) => (error ? reject(error) : resolve(count))));

/** A connection from an address, once the server has it. */
async function dial(localAddress = '127.0.0.1'): Promise<Socket> {
  const accepted = once(server, 'connection');
  const { port } = server.address() as AddressInfo;
  const socket = connect({ port, host: '127.0.0.1', localAddress }).on('error', () => {});
  opened.push(socket);
  await Promise.all([once(socket, 'connect'), accepted]);
  return socket;
}

async function ask(socket: Socket, path = '/'): Promise<string> {
  const answered = once(socket, 'data');
  socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
  return String(await answered);
}

test('the connection used longest ago ends for a newcomer', async () => {
  const [first, second] = [await dial(), await dial(), await dial(), await dial()];
  assert.match(await ask(first!), ' 200 ');
  const ended = once(second!, 'close');
  assert.match(await ask(await dial()), ' 200 ');
  await ended;
  assert.match(await ask(first!), ' 200 ', 'it was used since');
});

test('a request under way is not ended while its address has a connection without one', async () => {
  const busy = await dial();
  busy.write('GET /wait HTTP/1.1\r\nHost: x\r\n\r\n');
  await eventually('it waits', () => waiting.length === 1);
  const idle = [await dial(), await dial(), await dial()];
  for (const each of idle) {
    const ended = once(each, 'close');
    await dial();
    await ended;
  }
  const answered = once(busy, 'data');
  waiting[0]!.end('late');
  assert.match(String(await answered), ' 200 ');
});

test('an address that has most gives way, also where its requests are under way', async () => {
  const other = await dial('127.0.0.2');
  const busy = [await dial(), await dial(), await dial()];
  for (const each of busy) each.write('GET /wait HTTP/1.1\r\nHost: x\r\n\r\n');
  await eventually('they wait', () => waiting.length === 3);
  const ended = once(busy[0]!, 'close');
  assert.match(await ask(await dial('127.0.0.3')), ' 200 ');
  await ended;
  assert.match(await ask(other), ' 200 ');
});

test('a connection that sends many requests at once is closed before they are worked on', async () => {
  const socket = await dial();
  const ended = once(socket.resume(), 'close');
  const before = asked;
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(500));
  await ended;
  assert.ok(asked - before <= 4, `${asked - before} were worked on`);
  const other = await dial();
  for (let turn = 0; turn < 10; turn++) assert.match(await ask(other), ' 200 ', 'one after the other');
});

test('requests of a connection are worked on one after the other', async () => {
  const socket = await dial();
  const before = asked;
  socket.resume().write(`${'GET /wait HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(2)}GET / HTTP/1.1\r\nHost: x\r\n\r\n`);
  for (let answered = 1; answered <= 2; answered++) {
    await eventually('the next waits', () => waiting.length === answered);
    // Another connection's turn comes after all of what that one has sent.
    assert.match(await ask(await dial('127.0.0.2')), ' 200 ');
    assert.is(waiting.length, answered);
    waiting[answered - 1]!.end('now');
  }
  await eventually('all are answered', () => asked - before === 5);
});

test('there are never more than there may be', async () => {
  for (let count = 0; count < 50; count++) await dial(`127.0.0.${2 + (count % 5)}`);
  await eventually('the others are closed', async () => (await open()) === MOST);
});

test.run();

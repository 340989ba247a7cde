/** Names of the mesh are answered here, all others by the resolver behind. */
import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { connect, type AddressInfo } from 'node:net';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { answerTo, questionOf, TYPE_A } from './message.ts';
import { DnsServer } from './server.ts';

/** A query as a client writes it. */
function queryOf(name: string, type = TYPE_A, id = 7): Buffer {
  const labels = name.split('.').flatMap((label) => [Buffer.from([label.length]), Buffer.from(label, 'latin1')]);
  const head = Buffer.from([0, id, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
  return Buffer.concat([head, ...labels, Buffer.from([0, 0, type, 0, 1])]);
}

/** A resolver that answers every question with one address, and the DNS server of the mesh before it. */
async function start(): Promise<{ port: number; asked: string[] } & Disposable> {
  const asked: string[] = [];
  const behind = createSocket('udp4');
  behind.on('message', (query, { port }) => {
    const question = questionOf(query)!;
    asked.push(question.name);
    behind.send(answerTo(query, question, ['192.0.2.9']), port, '127.0.0.1');
  });
  behind.bind(0, '127.0.0.1');
  await once(behind, 'listening');
  const server = new DnsServer({
    host: '127.0.0.1',
    port: 0,
    lookup: (name) => (name === 'shop' ? ['240.0.0.1', 'fd00::1:0:1'] : undefined),
    resolver: { address: '127.0.0.1', port: (behind.address() as AddressInfo).port },
  });
  await server.open();
  return {
    port: server.port,
    asked,
    [Symbol.dispose]() {
      server.close();
      behind.close();
    },
  };
}

test('a resolver of the system gets both, and asks for others behind', async () => {
  using dns = await start();
  const resolver = new Resolver();
  resolver.setServers([`127.0.0.1:${dns.port}`]);
  assert.equal(await resolver.resolve4('shop'), ['240.0.0.1']);
  assert.equal(await resolver.resolve6('SHOP'), ['fd00::1:0:1']);
  assert.equal(await resolver.resolve4('example.test'), ['192.0.2.9']);
  assert.equal(dns.asked, ['example.test']);
});

test('by TCP as well, one question after another', async () => {
  using dns = await start();
  const socket = connect(dns.port, '127.0.0.1');
  const query = queryOf('shop');
  const message = Buffer.concat([Buffer.from([0, query.length]), query]);
  socket.write(Buffer.concat([message, message]));
  let received = Buffer.alloc(0);
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    received = Buffer.concat([received, chunk]);
    if (received.length >= 2 * (2 + received.readUInt16BE(0))) break;
  }
  const answer = received.subarray(2, 2 + received.readUInt16BE(0));
  assert.equal([...answer.subarray(-4)], [240, 0, 0, 1]);
});

/** A DNS server of the mesh, and what stands behind it. @param answer what comes back for any question, at once */
async function before(
  answer: Buffer | undefined,
): Promise<{ server: DnsServer; asked: Buffer[]; answerAll: (bytes: Buffer) => void } & Disposable> {
  const asked: Buffer[] = [];
  const ports: number[] = [];
  const behind = createSocket('udp4');
  const answerAll = (bytes: Buffer): void => {
    for (const port of ports.splice(0)) behind.send(bytes, port, '127.0.0.1');
  };
  behind.on('message', (query, { port }) => {
    asked.push(query);
    ports.push(port);
    if (answer !== undefined) answerAll(answer);
  });
  behind.bind(0, '127.0.0.1');
  await once(behind, 'listening');
  const { port } = behind.address() as AddressInfo;
  const resolver = { address: '127.0.0.1', port };
  const server = new DnsServer({ host: '127.0.0.1', port: 0, lookup: () => undefined, resolver });
  await server.open();
  return { server, asked, answerAll, [Symbol.dispose]: () => behind.close() };
}

/** What would end the process, while something is done. */
async function deadly(work: () => Promise<void>): Promise<unknown[]> {
  const seen: unknown[] = [];
  const note = (error: unknown): void => void seen.push(error);
  process.on('unhandledRejection', note);
  process.on('uncaughtException', note);
  try {
    await work();
  } finally {
    process.off('unhandledRejection', note);
    process.off('uncaughtException', note);
  }
  return seen;
}

test('an answer that comes when the server has been closed harms nobody', async () => {
  using dns = await before(undefined);
  const client = createSocket('udp4');
  const harm = await deadly(async () => {
    client.send(queryOf('example.test'), dns.server.port, '127.0.0.1');
    await eventually('it is asked behind', () => dns.asked.length === 1);
    dns.server.close();
    const [query] = dns.asked;
    dns.answerAll(answerTo(query!, questionOf(query!)!, ['192.0.2.9']));
    // What came of it is known when a question to a server of its own has been answered.
    using other = await start();
    const resolver = new Resolver();
    resolver.setServers([`127.0.0.1:${other.port}`]);
    await resolver.resolve4('example.test');
  });
  client.close();
  assert.equal(harm, []);
});

test('what is too short for a question is asked of nobody, whatever a resolver would say', async () => {
  using dns = await before(Buffer.from('an answer to anything'));
  const client = createSocket('udp4');
  const harm = await deadly(async () => {
    for (let length = 0; length < 12; length++) client.send(Buffer.alloc(length), dns.server.port, '127.0.0.1');
    client.send(queryOf('example.test'), dns.server.port, '127.0.0.1');
    await eventually('the question is asked behind', () => dns.asked.some(({ length }) => length > 12));
  });
  client.close();
  dns.server.close();
  assert.equal(harm, []);
  assert.is(dns.asked.length, 1);
});

test('who asks by TCP and reads no answer is closed before they fill the memory', async () => {
  const names = Array.from({ length: 250 }, (_, index) => `240.0.${index >> 8}.${index & 255}`);
  const server = new DnsServer({
    host: '127.0.0.1',
    port: 0,
    lookup: () => names,
    resolver: { address: '127.0.0.1', port: 1 },
  });
  await server.open();
  const query = queryOf('shop');
  const question = Buffer.concat([Buffer.from([0, query.length]), query]);
  const whole = answerTo(query, questionOf(query)!, names).length + 2;
  const COUNT = 5000;
  // They come at once, and their answers are more than the system keeps for a connection.
  const socket = connect(server.port, '127.0.0.1');
  const closed = Promise.withResolvers<void>();
  socket.on('error', () => {}).on('close', () => closed.resolve());
  socket.write(Buffer.concat(Array.from({ length: COUNT }, () => question)));
  let received = 0;
  socket.on('data', ({ length }) => {
    received += length;
    if (received === COUNT * whole) socket.destroy();
  });
  await closed.promise;
  server.close();
  assert.ok(received < COUNT * whole, 'all answers were kept for it');
});

test('bytes that are no question throw nothing, and are no question', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      questionOf(Buffer.from(bytes));
    }),
  );
  const query = queryOf('a.b');
  for (let length = 0; length < query.length; length++) assert.is(questionOf(query.subarray(0, length)), undefined);
  assert.equal(questionOf(query), { name: 'a.b', type: TYPE_A, end: query.length });
});

test.run();

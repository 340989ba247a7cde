/** Names of the mesh are answered here, all others by the resolver behind. */
import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { connect, type AddressInfo } from 'node:net';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
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

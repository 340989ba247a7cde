/** Accepted sockets are read into memory that is there already: all that comes, in order, and only when it is wanted. */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from 'node:tls';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { certify } from '#kit/testing/certify.ts';
import { eventually, steadily } from '#kit/testing/eventually.ts';
import { listening } from '#kit/testing/server.ts';
import { ChunkWalker } from '#proxy/http/chunks.ts';
import { charge } from '#proxy/loop/turn.ts';
import { memoryBudget } from '#proxy/memory/budget.ts';
import { readDirectly } from './reads.ts';

const CHUNK = '1\r\nx\r\n';

const { cert, key } = await certify({ subject: 'CN=localhost', names: ['localhost'] });

interface Kind {
  readonly server: (onSocket: (socket: Socket) => void) => Server;
  readonly dial: (port: number) => Promise<Socket>;
}

const KINDS: Readonly<Record<string, Kind>> = {
  TCP: {
    server: (onSocket) => createServer({ allowHalfOpen: true }, onSocket),
    dial: async (port) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      await once(socket, 'connect');
      return socket;
    },
  },
  TLS: {
    server: (onSocket) => createTlsServer({ cert, key, allowHalfOpen: true }, onSocket),
    dial: async (port) => {
      const socket = connectTls({ port, host: '127.0.0.1', ca: cert, servername: 'localhost' });
      await once(socket, 'secureConnect');
      return socket;
    },
  },
};

/** Connections of one kind: the accepted side of each and the other. */
async function pairs(
  { server: make, dial }: Kind,
  use: (pair: () => Promise<{ accepted: Socket; client: Socket }>) => Promise<void>,
): Promise<void> {
  const waiting: ((socket: Socket) => void)[] = [];
  const server = make((socket) => waiting.shift()!(socket.on('error', () => {})));
  const port = await listening(server);
  try {
    await use(async () => {
      const accepted = new Promise<Socket>((resolve) => void waiting.push(resolve));
      return { client: await dial(port), accepted: await accepted };
    });
  } finally {
    server.close();
  }
}

for (const [name, kind] of Object.entries(KINDS)) {
  test(`${name}: all that many clients send comes, to each its own, in order`, () =>
    pairs(kind, async (pair) => {
      const connections = await Promise.all([pair(), pair(), pair(), pair()]);
      const received = connections.map(({ accepted }): Buffer[] => {
        const chunks: Buffer[] = [];
        assert.is(
          readDirectly(accepted, (bytes) => void chunks.push(bytes)),
          true,
          'this version of Node is known',
        );
        return chunks;
      });
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.tuple(fc.nat(3), fc.oneof(fc.nat(300), fc.nat(200_000)), fc.nat(255)), { maxLength: 12 }),
          async (writes) => {
            for (const chunks of received) chunks.length = 0;
            const sent = connections.map((): Buffer[] => []);
            for (const [to, size, byte] of writes) {
              const bytes = Buffer.alloc(size, byte);
              sent[to]!.push(bytes);
              connections[to]!.client.write(bytes);
            }
            const expected = sent.map((each) => Buffer.concat(each));
            await eventually('all has come', () =>
              received.every((chunks, at) => Buffer.concat(chunks).length >= expected[at]!.length),
            );
            for (const [at, chunks] of received.entries()) assert.ok(Buffer.concat(chunks).equals(expected[at]!));
          },
        ),
        { numRuns: 30 },
      );
      for (const { client, accepted } of connections) {
        client.destroy();
        accepted.destroy();
      }
    }));

  test(`${name}: what is not wanted waits, and a client that sends on is held up`, () =>
    pairs(kind, async (pair) => {
      const { accepted, client } = await pair();
      let count = 0;
      readDirectly(accepted, (bytes) => {
        count += bytes.length;
        accepted.pause();
      });
      const all = 32 * 1024 * 1024;
      client.write(Buffer.alloc(all));
      await eventually('something has come', () => count > 0);
      const before = count;
      await steadily(() => assert.ok(count - before < 1024 * 1024, `${count - before} bytes came unwanted`), 300);
      const timer = setInterval(() => accepted.resume(), 0);
      await eventually('all has come', () => count === all);
      clearInterval(timer);
      client.destroy();
      accepted.destroy();
    }));

  test(`${name}: the client's end is heard, and answers still go to it`, () =>
    pairs(kind, async (pair) => {
      const { accepted, client } = await pair();
      let text = '';
      readDirectly(accepted, (bytes) => void (text += bytes.toString()));
      accepted.on('data', () => assert.unreachable('the stream has it, too'));
      accepted.on('end', () => accepted.end('answer'));
      let answer = '';
      client.on('data', (bytes: Buffer) => void (answer += bytes.toString()));
      client.end('question');
      await once(client, 'end');
      assert.equal([text, answer], ['question', 'answer']);
    }));

  test(`${name}: what the stream holds already comes first: such a socket stays as it is`, () =>
    pairs(kind, async (pair) => {
      const { accepted, client } = await pair();
      client.write('early');
      accepted.on('readable', () => {});
      await eventually('it is there', () => accepted.readableLength === 5);
      assert.is(
        readDirectly(accepted, () => {}),
        false,
      );
      accepted.destroy();
      client.destroy();
    }));

  test(`${name}: memory is kept by nobody's chunk`, () =>
    pairs(kind, async (pair) => {
      const { accepted, client } = await pair();
      const chunks: Buffer[] = [];
      readDirectly(accepted, (bytes) => void chunks.push(bytes));
      for (const text of ['first', 'other']) {
        client.write(text);
        await eventually('it has come', () => Buffer.concat(chunks).toString().endsWith(text));
      }
      assert.is(Buffer.concat(chunks).toString(), 'firstother');
      accepted.destroy();
      client.destroy();
    }));
}

for (const [name, kind] of Object.entries(KINDS))
  test(`${name}: what comes while others have used up the turn waits, comes in order, and before the end`, () =>
    pairs(kind, async (pair) => {
      const connections = await Promise.all(Array.from({ length: 20 }, pair));
      const before = memoryBudget.used;
      // The last part of it is small, and would be read at once.
      const all = Buffer.alloc(4 * 65_536 + 1000, 'what follows one another is not the same, ');
      const ended = connections.map(async ({ accepted, client }) => {
        const chunks: Buffer[] = [];
        readDirectly(accepted, (bytes) => {
          chunks.push(bytes);
          // As much as all connections together may do.
          charge(1024);
          // Who reads may want more at any time.
          setImmediate(() => accepted.resume());
        });
        accepted.resume();
        client.end(all);
        await once(accepted, 'end');
        assert.ok(Buffer.concat(chunks).equals(all), `${Buffer.concat(chunks).length} bytes`);
        accepted.destroy();
        client.destroy();
      });
      await Promise.all(ended);
      assert.is(memoryBudget.used, before);
    }));

test('uploads of many clients: a turn of the event loop reads a bounded amount of them together', () =>
  pairs(KINDS['TCP']!, async (pair) => {
    const connections = await Promise.all(Array.from({ length: 100 }, pair));
    const all = 1024 * 1024;
    let inTurn = 0;
    let most = 0;
    let count = 0;
    for (const { accepted, client } of connections) {
      client.write(Buffer.alloc(all));
      readDirectly(accepted, (bytes) => {
        if (inTurn === 0) setImmediate(() => (inTurn = 0));
        inTurn += bytes.length;
        most = Math.max(most, inTurn);
        count += bytes.length;
      });
    }
    // All of it is there before any of it is read.
    for (const { accepted } of connections) accepted.resume();
    await eventually('all has come', () => count === 100 * all);
    assert.ok(most <= 2 * 8 * 1024 * 1024 + 100 * 4096, `${most} bytes in one turn`);
    for (const { accepted, client } of connections) {
      accepted.destroy();
      client.destroy();
    }
  }));

test('records of TLS that are small: a turn of the event loop reads a part of them', () =>
  pairs(KINDS['TLS']!, async (pair) => {
    const { accepted, client } = await pair();
    let inTurn = 0;
    let most = 0;
    let count = 0;
    readDirectly(accepted, (bytes) => {
      if (inTurn++ === 0) setImmediate(() => (inTurn = 0));
      most = Math.max(most, inTurn);
      count += bytes.length;
    });
    // The smallest that can be asked for; a hostile client's have one byte.
    (client as TLSSocket).setMaxSendFragment(512);
    const all = 4 * 1024 * 1024;
    client.write(Buffer.alloc(all));
    await eventually('all has come', () => count === all);
    // What one read of the system brought is deciphered in any case.
    assert.ok(most <= 64 + (64 * 1024) / 512, `${most} records in one turn`);
    client.destroy();
    accepted.destroy();
  }));

test('chunks of one byte: what they cost is taken from the next turns of their connection', () =>
  pairs(KINDS['TCP']!, async (pair) => {
    const { accepted, client } = await pair();
    const part = CHUNK.repeat(10_000);
    const all = 50 * part.length;
    for (let at = 0; at < all; at += part.length) client.write(part, 'latin1');
    const walker = new ChunkWalker(1024);
    let inTurn = 0;
    let most = 0;
    let count = 0;
    readDirectly(accepted, (bytes) => {
      if (inTurn === 0) setImmediate(() => (inTurn = 0));
      inTurn += bytes.length;
      most = Math.max(most, inTurn);
      count += walker.walk(bytes, 0, bytes.length);
    });
    accepted.resume();
    await eventually('all has come', () => count === all);
    assert.ok(most <= 2 * 64 * 1024, `${most} bytes of chunks in one turn`);
    client.destroy();
    accepted.destroy();
  }));

test.run();

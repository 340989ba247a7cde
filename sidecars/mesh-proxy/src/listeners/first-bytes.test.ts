/** A client is silent while this process looks, and not while it is busy with something else. */
import { once } from 'node:events';
import { connect, createServer as createTcp, Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { serve } from '#kit/testing/server.ts';
import { connected, type RawClient } from '#proxy/testing/raw-client.ts';
import type { ProxyContext } from '#proxy/exchange/context.ts';
import { FirstBytes } from './first-bytes.ts';
import { SHOP, startPod, towards, type TestPod } from '../testing/mesh.ts';

const GET = 'GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n';
/** Few: each is accepted in a turn of its own, and the first of them is silent meanwhile. */
const CLIENTS = 4;

/** Do nothing else for longer than silence is waited for, in milliseconds. */
function block(time = 250): void {
  const until = performance.now() + time;
  while (performance.now() < until);
}

/** A pod whose application opens connections that may be of any protocol. */
const startFront = async (port: number, accept: () => void = () => {}): Promise<TestPod> =>
  await startPod('front', {
    configuration: towards([port], { meshed: false }),
    plane: {
      originalDestination: () => {
        accept();
        return SHOP;
      },
    },
  });

async function answered(talks: readonly RawClient[], pod: TestPod): Promise<void> {
  for (const talk of talks) {
    await talk.until(({ text }) => text.includes('200 OK'));
    talk.socket.destroy();
  }
  const { ends, relays } = pod.outbound;
  await eventually('all are over', () => ends.length + relays.length === talks.length);
  assert.equal(pod.outbound.relays, []);
}

test('time in which connections are accepted is no silence of those that were accepted last', async () => {
  await using app = await serve((_incoming, response) => void response.end('hello'));
  let accepted = 0;
  await using pod = await startFront(app.port, () => {
    if (++accepted === CLIENTS) block();
  });
  const talks = await Promise.all(Array.from({ length: CLIENTS }, () => connected(pod.plane.outboundPort)));
  await eventually('all are accepted', () => accepted === CLIENTS, { every: 1 });
  // What looks at silence has its turn before the clients have theirs.
  for (let turns = 0; turns < 3; turns++) await turn();
  for (const talk of talks) talk.send(GET);
  await answered(talks, pod);
});

test('bytes that come while the process is busy are read before the client counts as silent', async () => {
  await using app = await serve((_incoming, response) => void response.end('hello'));
  await using pod = await startFront(app.port);
  await using pair = await serve(createTcp((socket) => void socket.pipe(socket)));
  const other = connect(pair.port, '127.0.0.1');
  await once(other, 'connect');
  const talk = await connected(pod.plane.outboundPort);
  await eventually('it is accepted', () => pod.outbound.stats.open === 1, { every: 1 });
  // Another connection's bytes come first in the round that follows the timer; with them the request is sent.
  other.once('data', () => {
    block(20);
    talk.send(GET);
  });
  other.write('x');
  await turn();
  block();
  await answered([talk], pod);
  other.destroy();
});

test('a process that is busy for ever does not wait for ever', async () => {
  let welcomed = 0;
  await using app = await serve(
    createTcp((socket: Socket) => {
      welcomed++;
      socket.end('220 welcome');
    }),
  );
  await using pod = await startFront(app.port);
  const talk = await connected(pod.plane.outboundPort);
  let rounds = 0;
  const busy = setInterval(() => {
    rounds++;
    block(60);
  }, 1);
  await talk.until(({ text }) => text === '220 welcome');
  clearInterval(busy);
  assert.is(welcomed, 1);
  assert.ok(rounds < 40, `${rounds} rounds`);
  talk.socket.destroy();
});

test('a hello that comes byte by byte costs what its bytes cost', () => {
  // In many records, as dear as it may be, and never whole.
  const record = (content: Buffer): Buffer =>
    Buffer.concat([Buffer.of(22, 3, 1, content.length >> 8, content.length & 255), content]);
  const hello = Buffer.alloc(31_000, 1);
  hello.writeUIntBE(32_000, 1, 3);
  const parts = Array.from({ length: 7 }, (_, index) => hello.subarray(index * 4000, (index + 1) * 4000));
  const bytes = Buffer.concat(parts.map(record));
  let made = 0;
  const concat = Buffer.concat.bind(Buffer);
  const allocUnsafe = Buffer.allocUnsafe.bind(Buffer);
  const counted = (buffer: Buffer<ArrayBuffer>): Buffer<ArrayBuffer> => {
    made += buffer.length;
    return buffer;
  };
  const first = new FirstBytes({} as ProxyContext, new Socket(), {
    patience: 1e6,
    onDetected: () => assert.unreachable('it is not whole'),
  });
  Buffer.concat = (list, length) => counted(concat(list, length));
  Buffer.allocUnsafe = (size) => counted(allocUnsafe(size));
  try {
    for (const [at] of bytes.entries()) first.onClientData(bytes.subarray(at, at + 1));
  } finally {
    Object.assign(Buffer, { concat, allocUnsafe });
    first.onClientClose();
  }
  assert.ok(made < 32 * bytes.length, `${made} bytes for ${bytes.length}`);
});

test.run();

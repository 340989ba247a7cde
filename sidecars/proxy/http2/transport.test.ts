/** A peer that sends many small frames is read in parts: all others have their turn between them. */
import { Duplex } from 'node:stream';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { memoryBudget } from '#proxy/memory/budget.ts';
import { coded, frame, TestConnection } from '#proxy/testing/http2.ts';
import { DATA, FLAG_END_HEADERS, FLAG_END_STREAM, HEADERS, PREFACE, SETTINGS } from './codes.ts';
import { Http2Transport } from './transport.ts';

const COUNT = 5000;
const POST = coded([
  [':method', 'POST'],
  [':scheme', 'https'],
  [':authority', 'localhost'],
  [':path', '/'],
]);
const FRAMES = Buffer.concat([
  PREFACE,
  frame(SETTINGS, 0, 0),
  frame(HEADERS, FLAG_END_HEADERS, 1, POST),
  ...Array.from({ length: COUNT }, () => frame(DATA, 0, 1, [120])),
  frame(DATA, FLAG_END_STREAM, 1),
]);

function connected(): { side: TestConnection; socket: Duplex; transport: Http2Transport; received: () => number } {
  const side = new TestConnection('server');
  const socket = new Duplex({ read() {}, write: (_bytes, _encoding, callback) => callback() });
  const transport = new Http2Transport(socket, side.connection, (error) => assert.unreachable(String(error)));
  return { side, socket, transport, received: () => side.messages[0]?.body.length ?? 0 };
}

/** Let the event loop go round once. */
const turn = async (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a turn of the event loop reads a part of many small frames, and the socket waits', async () => {
  const { side, socket, transport, received } = connected();
  const before = memoryBudget.used;
  assert.not.ok(transport.receive(FRAMES, 0, FRAMES.length));
  assert.ok(received() > 0 && received() <= 256, `${received()} in the first turn`);
  assert.ok(socket.isPaused());
  assert.is(memoryBudget.used - before, transport.waiting);
  for (let last = received(); !side.messages[0]!.ended; last = received()) {
    await turn();
    assert.ok(received() - last <= 2 * 256, `${received() - last} in one turn`);
  }
  await eventually('the socket to be read again', () => !socket.isPaused());
  assert.equal([received(), transport.waiting, memoryBudget.used], [COUNT, 0, before]);
});

test('pieces of one turn share it', async () => {
  const { transport, received } = connected();
  for (let at = 0; at < FRAMES.length; at += 1000) transport.receive(FRAMES, at, Math.min(FRAMES.length, at + 1000));
  assert.ok(received() <= 256, String(received()));
  await eventually('the rest', () => transport.waiting === 0);
});

test('what waits is read when the peer sends nothing more', () => {
  const { side, transport } = connected();
  transport.receive(FRAMES, 0, FRAMES.length);
  transport.receiveRest();
  assert.ok(side.messages[0]!.ended);
});

test('what waits is given up with the socket', async () => {
  const { socket, transport } = connected();
  const before = memoryBudget.used;
  transport.receive(FRAMES, 0, FRAMES.length);
  socket.destroy();
  await eventually('the end', () => transport.waiting === 0);
  assert.is(memoryBudget.used, before);
});

test.run();

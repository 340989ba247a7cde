/** Clients, and servers, that mean harm: each is cut off, at a bounded cost, and nothing is left of it. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { coded, frame, framesOf, TestConnection } from '#proxy/testing/http2.ts';
import {
  CANCEL,
  CONTINUATION,
  DATA,
  ENHANCE_YOUR_CALM,
  FLAG_ACK,
  FLAG_END_HEADERS,
  FLAG_END_STREAM,
  GOAWAY,
  HEADERS,
  PING,
  PREFACE,
  PRIORITY,
  RST_STREAM,
  SETTINGS,
  SETTINGS_HEADER_TABLE_SIZE,
  SETTINGS_INITIAL_WINDOW_SIZE,
  WINDOW_UPDATE,
} from './codes.ts';

const GET = [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':authority', 'localhost'],
  [':path', '/'],
] as const;
const HEAD_FLAGS = FLAG_END_HEADERS | FLAG_END_STREAM;
const get = (id: number, flags = HEAD_FLAGS): Buffer => frame(HEADERS, flags, id, coded(GET));
const number = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
const setting = (id: number, value: number): Buffer => Buffer.concat([Buffer.from([0, id]), number(value)]);

function server(settings: Buffer = Buffer.alloc(0)): TestConnection {
  const side = new TestConnection('server');
  side.receive(Buffer.concat([PREFACE, frame(SETTINGS, 0, 0, settings)]));
  return side;
}

/** Answer each request as soon as it has come. */
function answering(side: TestConnection, body: Buffer): TestConnection {
  side.onMessage = (stream) => {
    side.head(stream, [[':status', '200']], false);
    side.connection.sendData(stream, body, 0, body.length);
    side.connection.sendEnd(stream);
  };
  return side;
}

/**
 * Send the same again and again.
 * @returns how often until the connection was cut
 */
function flood(side: TestConnection, most: number, make: (round: number) => Buffer): number {
  for (let round = 0; round < most; round++) {
    side.receive(make(round));
    // A peer that reads, so that nothing is held back.
    side.output();
    if (side.error !== undefined) return round + 1;
  }
  return Infinity;
}

function assertCalmed(side: TestConnection, reason: string): void {
  assert.equal(side.error, { code: ENHANCE_YOUR_CALM, reason });
  assert.equal([side.connection.size, side.memory.used, side.connection.over], [0, 0, true]);
}

const FLOODS: readonly [name: string, reason: string, rounds: number, make: (round: number) => Buffer][] = [
  ['PING', 'overhead', 3000, () => frame(PING, 0, 0, Buffer.alloc(8))],
  ['answers to PINGs that nobody sent', 'overhead', 3000, () => frame(PING, FLAG_ACK, 0, Buffer.alloc(8))],
  ['SETTINGS', 'overhead', 300, () => frame(SETTINGS, 0, 0, setting(SETTINGS_INITIAL_WINDOW_SIZE, 70_000))],
  [
    "SETTINGS that change the table's size",
    'overhead',
    300,
    (round) => frame(SETTINGS, 0, 0, setting(SETTINGS_HEADER_TABLE_SIZE, round % 2 === 0 ? 0 : 4096)),
  ],
  ['PRIORITY', 'overhead', 3000, (round) => frame(PRIORITY, 0, 2 * round + 1, [0, 0, 0, 0, 1])],
  ['frames of an unknown type', 'overhead', 3000, () => frame(0xbb, 0, 0, Buffer.alloc(8))],
  ['WINDOW_UPDATE', 'overhead', 3000, () => frame(WINDOW_UPDATE, 0, 0, number(1))],
  [
    'empty DATA (CVE-2019-9518)',
    'overhead',
    3000,
    (round) => (round === 0 ? get(1, FLAG_END_HEADERS) : frame(DATA, 0, 1)),
  ],
  [
    'DATA of a byte each',
    'small_data',
    300,
    (round) =>
      round === 0 ? get(1, FLAG_END_HEADERS) : Buffer.concat(Array.from({ length: 100 }, () => frame(DATA, 0, 1, [0]))),
  ],
  [
    'empty CONTINUATION (CVE-2024-27316)',
    'overhead',
    3000,
    (round) => (round === 0 ? get(1, 0) : frame(CONTINUATION, 0, 1)),
  ],
  [
    'CONTINUATION with fields, never the last',
    'head_size',
    1000,
    (round) => (round === 0 ? get(1, 0) : frame(CONTINUATION, 0, 1, coded([['x-filler', 'a'.repeat(100)]]))),
  ],
  [
    'a field name of 3,900 bytes that the table gives again and again',
    'head_size',
    2,
    () =>
      frame(
        HEADERS,
        FLAG_END_HEADERS,
        1,
        Buffer.concat([
          Buffer.from([0x40, 127, 0xbd, 0x1d]),
          Buffer.alloc(3900, 'n'),
          Buffer.from([0]),
          Buffer.alloc(1000, Buffer.from([0x7e, 0])),
        ]),
      ),
  ],
  [
    "changes of the table's size in one head",
    'head_size',
    2,
    () => frame(HEADERS, FLAG_END_HEADERS, 1, Buffer.alloc(4000, 0x20)),
  ],
  [
    'RST_STREAM after each request (CVE-2023-44487)',
    'resets',
    300,
    (round) =>
      Buffer.concat([get(2 * round + 1, FLAG_END_HEADERS), frame(RST_STREAM, 0, 2 * round + 1, number(CANCEL))]),
  ],
  [
    'requests that the server has to reset (CVE-2025-8671): window updates of nothing',
    'resets',
    300,
    (round) => Buffer.concat([get(2 * round + 1), frame(WINDOW_UPDATE, 0, 2 * round + 1, number(0))]),
  ],
  [
    'requests that the server has to reset: windows beyond all bounds',
    'resets',
    300,
    (round) => Buffer.concat([get(2 * round + 1), frame(WINDOW_UPDATE, 0, 2 * round + 1, number(2 ** 31 - 1))]),
  ],
  [
    'requests that the server has to reset: DATA after the end',
    'resets',
    300,
    (round) => Buffer.concat([get(2 * round + 1), frame(DATA, 0, 2 * round + 1, [1])]),
  ],
  [
    'requests that the server has to reset: PRIORITY of a wrong length',
    'resets',
    300,
    (round) => Buffer.concat([get(2 * round + 1), frame(PRIORITY, 0, 2 * round + 1, [0])]),
  ],
  [
    'malformed requests',
    'resets',
    300,
    (round) => frame(HEADERS, HEAD_FLAGS, 2 * round + 1, coded([[':method', 'GET']])),
  ],
];

for (const [name, reason, most, make] of FLOODS)
  test(`a flood of ${name} is cut`, () => {
    const side = server();
    const before = process.cpuUsage();
    const rounds = flood(side, most, make);
    const { user, system } = process.cpuUsage(before);
    assert.ok(rounds < most, `not cut after ${most}`);
    assertCalmed(side, reason);
    assert.ok(user + system < 1_000_000, `${(user + system) / 1000} ms`);
    // The last word says why.
    assert.is(side.connection.pending, 0);
  });

test('the same is no flood over a long time', () => {
  const side = server();
  for (let minute = 0; minute < 60; minute++) {
    side.time += 60_000;
    for (let each = 0; each < 100; each++) {
      const id = 200 * minute + 2 * each + 1;
      side.receive(Buffer.concat([get(id), frame(PING, 0, 0, Buffer.alloc(8)), frame(WINDOW_UPDATE, 0, 0, number(1))]));
      side.receive(frame(RST_STREAM, 0, id, number(CANCEL)));
      side.output();
    }
  }
  assert.is(side.error, undefined);
});

test('a known peer sends its data in pieces of any size', () => {
  const side = new TestConnection('server', { trusted: true });
  side.receive(Buffer.concat([PREFACE, frame(SETTINGS, 0, 0), get(1, FLAG_END_HEADERS)]));
  const bytes = Buffer.concat(Array.from({ length: 1000 }, () => frame(DATA, 0, 1, [0])));
  for (let round = 0; round < 50; round++) side.receive(bytes);
  assert.is(side.error, undefined);
});

test('a client that reads at its own pace, with two updates for each small frame, is no flood', () => {
  const body = Buffer.alloc(1_500_000, 1);
  const side = answering(server(setting(SETTINGS_INITIAL_WINDOW_SIZE, 300)), body);
  side.receive(get(1));
  let received = 0;
  for (let data: Buffer[] = [Buffer.alloc(0)]; data.length > 0;) {
    data = framesOf(side.output())
      .filter(({ type }) => type === DATA)
      .map(({ payload }) => payload);
    for (const { length } of data) {
      received += length;
      side.receive(
        Buffer.concat([frame(WINDOW_UPDATE, 0, 0, number(length)), frame(WINDOW_UPDATE, 0, 1, number(length))]),
      );
    }
  }
  assert.equal([side.error, received, side.connection.size], [undefined, body.length, 0]);
});

test('windows of one byte are no way to make much of little', () => {
  const side = answering(server(setting(SETTINGS_INITIAL_WINDOW_SIZE, 1)), Buffer.alloc(100_000, 1));
  side.receive(get(1));
  const rounds = flood(side, 5000, () => frame(WINDOW_UPDATE, 0, 1, number(1)));
  assert.ok(rounds < 5000);
  assertCalmed(side, 'overhead');
});

test('a client that opens streams and never reads keeps little, and is given up in time', () => {
  const side = answering(server(setting(SETTINGS_INITIAL_WINDOW_SIZE, 0)), Buffer.alloc(8192, 1));
  for (let id = 1; id < 400; id += 2) side.receive(get(id));
  // As many streams as are allowed, each with what was handed over before the first stop.
  assert.is(side.connection.size, 128);
  assert.is(side.memory.used, 128 * 8192);
  // The clock has run for long when the first sweep sees them.
  side.connection.sweep(1_001_000, 10_000);
  side.connection.sweep(1_005_000, 10_000);
  assert.is(side.connection.size, 128);
  side.connection.sweep(1_011_000, 10_000);
  assert.equal([side.connection.size, side.memory.used], [0, 0]);
  const resets = framesOf(side.output()).filter(({ type, payload }) => type === RST_STREAM && payload[3] === CANCEL);
  assert.is(resets.length, 128);
});

test('a stream that moves is not given up, however slowly', () => {
  const side = answering(server(setting(SETTINGS_INITIAL_WINDOW_SIZE, 300)), Buffer.alloc(5000, 1));
  side.receive(get(1));
  for (let round = 1; round < 15; round++) {
    side.connection.sweep(1_000_000 + round * 9000, 10_000);
    side.receive(frame(WINDOW_UPDATE, 0, 1, number(300)));
  }
  assert.is(side.connection.size, 1);
});

test('a stream that waits for its turn while others move is not given up', () => {
  const body = Buffer.alloc(200_000, 1);
  const side = answering(server(setting(SETTINGS_INITIAL_WINDOW_SIZE, 2 ** 30)), body);
  // The connection's window lets the first one send, and little of the second.
  side.receive(get(1));
  side.receive(get(3));
  for (let round = 1; round < 10; round++) {
    side.connection.sweep(1_000_000 + round * 9000, 10_000);
    side.output();
    side.receive(frame(WINDOW_UPDATE, 0, 0, number(100)));
  }
  assert.is(side.connection.size, 2);
  // Nothing moves any more.
  for (const now of [1_090_000, 1_095_000, 1_101_000]) side.connection.sweep(now, 10_000);
  assert.is(side.connection.size, 0);
});

test('users are asked to stop before much is kept, and told when to go on', () => {
  const side = server();
  const piece = Buffer.alloc(8192, 1);
  let refused = 0;
  side.onMessage = (stream) => {
    side.head(stream, [[':status', '200']], false);
    for (let each = 0; each < 1000; each++)
      if (!side.connection.sendData(stream, piece, 0, piece.length)) return void refused++;
  };
  for (let id = 1; id < 200; id += 2) side.receive(get(id));
  assert.is(refused, 100);
  // What the windows and the transport did not take, which is a piece of each stream at most.
  assert.ok(side.memory.used <= 100 * piece.length, String(side.memory.used));
  side.receive(Buffer.concat([frame(WINDOW_UPDATE, 0, 0, number(2 ** 30))]));
  for (let round = 0; round < 100; round++) side.output();
  for (let id = 1; id < 200; id += 2) side.receive(frame(WINDOW_UPDATE, 0, id, number(2 ** 30)));
  for (let round = 0; round < 100; round++) side.output();
  assert.is(new Set(side.drained).size, 100);
});

test('data that nobody consumes is bounded by the windows', () => {
  const side = server();
  side.consumes = false;
  let id = 1;
  let sent = 0;
  side.receive(get(id, FLAG_END_HEADERS));
  // All that the window of a stream allows, then of the connection.
  for (; sent < 2 * 1024 * 1024 && side.error === undefined; sent += 16_384) {
    if (sent > 0 && sent % (256 * 1024) === 0) side.receive(get((id += 2), FLAG_END_HEADERS));
    side.receive(frame(DATA, 0, id, Buffer.alloc(16_384)));
  }
  assert.is(side.error?.reason, 'connection_window');
  assert.ok(sent <= 1024 * 1024 + 16_384);
  assert.is(side.memory.used, 0);
});

test('a server that does the same to a client is cut as well', () => {
  const interim = frame(HEADERS, FLAG_END_HEADERS, 1, coded([[':status', '103']]));
  for (const [make, reason] of [
    [() => frame(PING, 0, 0, Buffer.alloc(8)), 'overhead'],
    [() => interim, 'overhead'],
    [() => frame(GOAWAY, 0, 0, Buffer.alloc(8)), 'overhead'],
  ] as const) {
    const side = new TestConnection('client');
    side.receive(frame(SETTINGS, 0, 0));
    if (make() === interim) side.request(GET, true);
    else side.output();
    const rounds = flood(side, 4000, make);
    assert.ok(rounds < 4000);
    assertCalmed(side, reason);
  }
});

test.run();

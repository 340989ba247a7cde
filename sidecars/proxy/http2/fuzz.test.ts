/** Frames in any order, whole and broken: nothing throws, nothing is left, and cuts change nothing. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { coded, frame, TestConnection } from '#proxy/testing/http2.ts';
import { PREFACE, SETTINGS } from './codes.ts';

const id = fc.oneof(fc.constantFrom(0, 1, 2, 3, 5, 7, 2 ** 31 - 1), fc.nat(20));
const flags = fc.oneof(fc.constantFrom(0, 1, 4, 5, 8, 9, 0x24, 0x2d), fc.nat(255));
const number = fc.oneof(fc.constantFrom(0, 1, 65_535, 2 ** 31 - 1), fc.nat(2 ** 31 - 1));
const bytesOf = (value: number): number[] => [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
const text = fc.string({ maxLength: 20 });
const fields = fc.array(
  fc.oneof(
    fc.constantFrom<[string, string]>(
      [':method', 'GET'],
      [':method', 'CONNECT'],
      [':path', '/'],
      [':scheme', 'https'],
      [':authority', 'a'],
      [':status', '200'],
      [':status', '103'],
      [':protocol', 'websocket'],
      ['content-length', '5'],
      ['te', 'trailers'],
    ),
    fc.tuple(text, text),
  ),
  { maxLength: 8 },
);
const request: readonly (readonly [string, string])[] = [
  [':method', 'POST'],
  [':scheme', 'https'],
  [':path', '/'],
  [':authority', 'a'],
];
const anyFrame = fc.oneof(
  // Sensible ones, so that the others meet a connection in every state.
  { weight: 4, arbitrary: fc.nat(10).map((at) => frame(1, 4, 2 * at + 1, coded(request))) },
  { weight: 2, arbitrary: fc.nat(10).map((at) => frame(1, 5, 2 * at + 1, coded(request))) },
  { weight: 2, arbitrary: fc.nat(10).map((at) => frame(1, 5, 2 * at + 1, coded([[':status', '200']]))) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.nat(10), fc.constantFrom(0, 1), fc.nat(3000))
      .map(([at, end, size]) => frame(0, end, 2 * at + 1, Buffer.alloc(size))),
  },
  { weight: 2, arbitrary: fc.tuple(id, number).map(([at, value]) => frame(8, 0, at, bytesOf(value))) },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.nat(8), number).map(([at, value]) => frame(4, 0, 0, [0, at, ...bytesOf(value)])),
  },
  { weight: 1, arbitrary: fc.tuple(id, number).map(([at, value]) => frame(3, 0, at, bytesOf(value))) },
  { weight: 1, arbitrary: fc.tuple(flags, id, fields).map(([flag, at, each]) => frame(1, flag, at, coded(each))) },
  { weight: 1, arbitrary: fc.tuple(flags, id, fields).map(([flag, at, each]) => frame(9, flag, at, coded(each))) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.nat(12), flags, id, fc.uint8Array({ maxLength: 40 }))
      .map(([type, flag, at, payload]) => frame(type, flag, at, payload)),
  },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes)) },
);
const frames = fc.array(anyFrame, { maxLength: 40 }).map((all) => Buffer.concat(all));
const cuts = fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 10 });

/** Let a side have the bytes in pieces. @returns what it said, and what it was told */
function run(role: 'server' | 'client', bytes: Buffer, sizes: readonly number[], consumes: boolean): string {
  const side = new TestConnection(role);
  side.consumes = consumes;
  side.onMessage = (stream) => {
    if (role === 'client') return;
    side.head(stream, [[':status', '200']], false);
    side.connection.sendData(stream, Buffer.alloc(70_000), 0, 70_000);
    side.connection.sendEnd(stream, 'x-sum: 1\r\n');
  };
  if (role === 'client') for (let each = 0; each < 5; each++) side.request(request, each % 2 === 0);
  const begin = Buffer.concat(role === 'server' ? [PREFACE, frame(SETTINGS, 0, 0)] : [frame(SETTINGS, 0, 0)]);
  side.receive(begin);
  for (let at = 0, round = 0; at < bytes.length; round++) {
    const size = sizes[round % sizes.length]!;
    side.receive(bytes.subarray(at, at + size));
    at += size;
  }
  const said = side.output();
  const told = side.messages.map(({ lines, body, trailers, ended, reset }) => [
    lines,
    Buffer.concat(body).length,
    trailers,
    ended,
    reset,
  ]);
  const { error } = side;
  side.connection.close();
  assert.equal([side.connection.size, side.memory.used, side.connection.over], [0, 0, true]);
  return JSON.stringify({ said: said.toString('latin1'), told, error });
}

for (const role of ['server', 'client'] as const)
  test(`a ${role} takes anything, however it is cut`, () => {
    fc.assert(
      fc.property(frames, cuts, fc.boolean(), (bytes, sizes, consumes) => {
        assert.is(run(role, bytes, sizes, consumes), run(role, bytes, [bytes.length + 1], consumes));
      }),
      { numRuns: 1500 },
    );
  });

test.run();

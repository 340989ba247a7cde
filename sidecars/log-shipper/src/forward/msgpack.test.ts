import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MalformedError } from '../senders/malformed.ts';
import { decode, Decoder, Extension, Framer, type Value } from './msgpack.ts';
import { encode } from './test-encode.ts';

const value = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', maxDepth: 4 },
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger(),
    fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }),
    fc.bigInt({ min: -(2n ** 63n), max: -(2n ** 53n) }),
    fc.double({ noNaN: true }),
    fc.string({ unit: 'binary', maxLength: 40 }).map((text) => text.toWellFormed()),
    fc.string({ minLength: 250, maxLength: 260 }),
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    fc
      .tuple(fc.integer({ min: -128, max: 127 }), fc.uint8Array({ minLength: 1, maxLength: 20 }))
      .map(([type, bytes]) => new Extension(type, Buffer.from(bytes))),
    fc.array(tie('value'), { maxLength: 20 }),
    fc.array(fc.tuple(fc.string(), tie('value')), { maxLength: 20 }).map((entries) => new Map<Value, Value>(entries)),
  ),
})).value;

test('what is encoded is decoded', () => {
  fc.assert(
    fc.property(value, (each) => assert.equal(decode(encode(each)), each)),
    { numRuns: 1000 },
  );
});

test('values are told apart wherever a stream is cut', () => {
  fc.assert(
    fc.property(fc.array(value, { maxLength: 5 }), fc.array(fc.nat(9), { maxLength: 200 }), (values, cuts) => {
      const encoded = values.map(encode);
      const stream = Buffer.concat(encoded);
      const framer = new Framer(1024 * 1024);
      const frames: Buffer[] = [];
      let at = 0;
      for (const size of [...cuts, stream.length]) {
        frames.push(...framer.push(stream.subarray(at, at + size)));
        at += size;
      }
      assert.equal(
        frames.map((frame) => frame.toString('hex')),
        encoded.map((each) => each.toString('hex')),
      );
      const made: Value[] = [];
      for (const decoder = new Decoder(stream); !decoder.ended;) made.push(decoder.value());
      assert.equal(made, values);
      const passed = new Decoder(stream);
      for (const each of encoded) {
        const before = passed.at;
        passed.skip();
        assert.is(passed.at - before, each.length);
      }
    }),
    { numRuns: 500 },
  );
});

test('garbage is refused or is a value, and never more than the limit is kept', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 20 }), (pieces) => {
      const framer = new Framer(64);
      try {
        for (const piece of pieces)
          for (const frame of framer.push(Buffer.from(piece))) {
            assert.ok(frame.length <= 64);
            decode(frame);
          }
      } catch (error) {
        assert.instance(error, MalformedError);
      }
    }),
    { numRuns: 2000 },
  );
});

test('a length that could not be is refused when it is said', () => {
  const refuse = (bytes: number[]): void => {
    assert.throws(
      () => new Framer(1024).push(Buffer.from(bytes)),
      (error: unknown) => error instanceof MalformedError,
    );
  };
  refuse([0xdb, 0xff, 0xff, 0xff, 0xff]);
  refuse([0xc6, 0x7f, 0xff, 0xff, 0xff]);
  refuse([0xdd, 0xff, 0xff, 0xff, 0xff]);
  refuse([0xdf, 0xff, 0xff, 0xff, 0xff]);
  refuse([0xc9, 0xff, 0xff, 0xff, 0xff]);
  refuse([0xc1]);
  refuse(Array.from({ length: 100 }, () => 0x91));
  assert.throws(
    () => decode(Buffer.of(0xdd, 0, 0xff, 0xff, 0xff)),
    (error: unknown) => error instanceof MalformedError,
  );
  assert.throws(() => decode(Buffer.of(0x01, 0x02)), /bytes behind/);
});

test('the name of a value is no container, looked at or passed over', () => {
  for (const name of [[], [1], new Map<Value, Value>(), new Map<Value, Value>([['a', 1]])]) {
    for (const bytes of [
      encode(new Map<Value, Value>([[name, 1]])),
      encode([
        1,
        [
          new Map<Value, Value>([
            ['a', 2],
            [name, 1],
          ]),
        ],
      ]),
    ]) {
      assert.throws(() => decode(bytes), /the name of a value is an? (array|map)/);
      assert.throws(() => new Decoder(bytes).skip(), /the name of a value is an? (array|map)/);
    }
  }
  for (const name of [null, true, 7, 2n ** 60n, 'a', Buffer.of(0xff), new Extension(1, Buffer.of(1))])
    assert.equal([...(decode(encode(new Map([[name, 1]]))) as Map<Value, Value>)], [[name, 1]]);
});

test('a message of many small pieces takes linear time', () => {
  const framer = new Framer(4 * 1024 * 1024);
  const long = encode('x'.repeat(1024 * 1024));
  const begun = performance.now();
  let frames = 0;
  for (let at = 0; at < long.length; at += 16) frames += framer.push(long.subarray(at, at + 16)).length;
  assert.is(frames, 1);
  assert.ok(performance.now() - begun < 30_000);
});

test('a string that is not UTF-8 is bytes', () => {
  assert.equal(decode(Buffer.of(0xa2, 0xff, 0x41)), Buffer.of(0xff, 0x41));
});

test.run();

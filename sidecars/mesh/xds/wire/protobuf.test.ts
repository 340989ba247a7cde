/** The decoder against protobufjs, which knows the whole of Envoy's .proto language, and against bytes of nobody. */
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  boolean,
  decode,
  double,
  list,
  MalformedMessage,
  map,
  message,
  number,
  one,
  string,
  Writer,
  type Kind,
} from './protobuf.ts';

const { root } = protobuf.parse(`syntax = "proto3";
  message Inner { string text = 1; repeated uint32 packed = 2; int64 big = 3; }
  message Outer { string name = 1; bool yes = 2; double half = 3; Inner inner = 4; repeated Inner inners = 5;
    map<string, Inner> entries = 6; string unknown = 99; }`);
const Theirs = root.lookupType('Outer');
const Inner = message({ text: one(1, string), packed: list(2, number), big: one(3, number) });
const Ours = message({
  name: one(1, string),
  yes: one(2, boolean),
  half: one(3, double),
  inner: one(4, Inner),
  inners: list(5, Inner),
  entries: map(6, () => Inner),
});

const inner = fc.record(
  {
    text: fc.string({ unit: 'grapheme', minLength: 1 }),
    packed: fc.array(fc.nat(2 ** 32 - 1)),
    big: fc.integer({ min: -(2 ** 50), max: 2 ** 50 }),
  },
  { noNullPrototype: true },
);
const outer = fc.record(
  {
    name: fc.string({ minLength: 1 }),
    yes: fc.boolean(),
    half: fc.double({ noNaN: true }),
    inner,
    inners: fc.array(inner, { maxLength: 5 }),
    entries: fc.dictionary(fc.constantFrom('a', 'b', 'x y'), inner, { noNullPrototype: true }),
    unknown: fc.string(),
  },
  { noNullPrototype: true },
);
const encode = (value: object): Buffer => Buffer.from(Theirs.encode(Theirs.fromObject(value)).finish());

test('what another encoder writes is read as it was meant, and unknown fields are passed over', () => {
  fc.assert(
    fc.property(outer, ({ unknown, ...value }) => {
      const read = decode(Ours, encode({ ...value, unknown }));
      assert.equal({ ...read, entries: { ...read.entries } }, { ...value, entries: { ...value.entries } });
    }),
    { numRuns: 300 },
  );
});

test('bytes that are cut or changed are read or refused, and nothing else happens', () => {
  fc.assert(
    fc.property(outer, fc.nat(), fc.nat(255), (value, at, byte) => {
      const bytes = encode(value);
      const changed = Buffer.from(bytes);
      changed[at % bytes.length] = byte;
      for (const each of [bytes.subarray(0, at % bytes.length), changed]) {
        try {
          decode(Ours, each);
        } catch (error) {
          assert.instance(error, MalformedMessage);
        }
      }
    }),
    { numRuns: 500 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        decode(Ours, Buffer.from(bytes));
      } catch (error) {
        assert.instance(error, MalformedMessage);
      }
    }),
    { numRuns: 500 },
  );
});

test('a message that holds itself without end is refused', () => {
  const Nested: Kind<{ readonly inner: unknown }> = message({ inner: { id: 1, kind: () => Nested, many: 'one' } });
  let bytes: Buffer = Buffer.alloc(0);
  for (let depth = 0; depth < 100; depth++) bytes = new Writer().bytes(1, bytes).finish();
  assert.throws(() => decode(Nested, bytes), /nested more than 40 deep/);
});

test('a key of a map is a key, whatever its name', () => {
  const bytes = new Writer().bytes(6, new Writer().string(1, '__proto__').bytes(2, Buffer.alloc(0)).finish()).finish();
  const { entries } = decode(Ours, bytes);
  assert.equal(Object.keys(entries), ['__proto__']);
});

test.run();

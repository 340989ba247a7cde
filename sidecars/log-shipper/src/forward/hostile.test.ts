/** Messages of every mode, and bytes changed, cut out and put in anywhere: what is refused is refused as such, and what is read is no larger than what came. */
import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { toContainerLine } from './container.ts';
import { MalformedError } from '../senders/malformed.ts';
import { Extension, Framer, type Value } from './msgpack.ts';
import { readMessage } from './protocol.ts';
import { encode } from './test-encode.ts';

const LIMIT = 64 * 1024;
/** JSON writes a byte as six characters at most, and twice where a value is a text within a text. */
const GROWTH = 16;
const ROOM = 1024;

const name = fc.constantFrom<Value>(
  'a',
  'b.c',
  '',
  '__proto__',
  7,
  -1,
  null,
  true,
  2n ** 63n,
  Buffer.of(0xff),
  new Extension(1, Buffer.of(1)),
);
const anything = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'medium', maxDepth: 12 },
    fc.constantFrom<Value>(null, true, 0, -1, 1.5, 2n ** 63n, '', '__proto__', 'log'),
    fc.string({ unit: 'binary', maxLength: 20 }).map((text) => text.toWellFormed()),
    fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
    fc.uint8Array({ minLength: 1, maxLength: 9 }).map((bytes) => new Extension(0, Buffer.from(bytes))),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.array(fc.tuple(tie('value'), tie('value')), { maxLength: 4 }).map((entries) => new Map<Value, Value>(entries)),
  ),
})).value;
/** Names of names, where such are taken. */
const nest = fc.nat(20).map((depth) => {
  let value: Value = 1;
  for (let at = 0; at < depth; at++) value = new Map<Value, Value>([[value, 1]]);
  return value;
});
const record = fc
  .array(
    fc.tuple(
      fc.oneof(
        fc.constantFrom<Value>('log', 'message', 'container_id', 'container_name', 'source', 'partial_message', 'a.b'),
        name,
      ),
      fc.oneof({ weight: 9, arbitrary: anything }, { weight: 1, arbitrary: nest }),
    ),
    { maxLength: 4 },
  )
  .map((entries) => new Map<Value, Value>(entries));
const entry = fc.tuple(anything, record).map(([time, each]): Value => [time, each]);
const options = fc
  .array(
    fc.tuple(
      fc.constantFrom<Value>('chunk', 'compressed', 'size', 'fluent_signal'),
      fc.oneof(fc.constantFrom<Value>('gzip', 'zstd', 'text', 'c'), anything),
    ),
    { maxLength: 3 },
  )
  .map((entries) => new Map<Value, Value>(entries));
const packed = fc.array(entry, { maxLength: 4 }).map((entries) => Buffer.concat(entries.map(encode)));
const tagged = (...rest: fc.Arbitrary<Value>[]): fc.Arbitrary<Value> =>
  fc
    .tuple(
      fc.oneof(
        fc.string().map((text): Value => text),
        anything,
      ),
      ...rest,
    )
    .map((all): Value => all);
const message = fc.oneof(
  tagged(anything, record, options),
  tagged(fc.array(entry, { maxLength: 4 }), options),
  tagged(packed, options),
  tagged(
    packed.map((bytes): Value => gzipSync(bytes)),
    fc.constant<Value>(new Map([['compressed', 'gzip']])),
  ),
  tagged(
    packed.map((bytes): Value => zstdCompressSync(bytes)),
    fc.constant<Value>(new Map([['compressed', 'zstd']])),
  ),
  anything,
);
/** Where, how many bytes go, and what comes in their place. */
const change = fc.tuple(fc.nat(), fc.nat(3), fc.uint8Array({ maxLength: 3 }));

test('whatever comes is a message or is refused, and none becomes larger than its bytes allow', () => {
  let read = 0;
  fc.assert(
    fc.property(
      fc.array(message, { minLength: 1, maxLength: 3 }),
      fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.array(change, { maxLength: 3 }) }),
      (messages, changes) => {
        let bytes = Buffer.concat(messages.map(encode));
        for (const [place, gone, come] of changes) {
          const at = place % (bytes.length + 1);
          bytes = Buffer.concat([bytes.subarray(0, at), come, bytes.subarray(at + gone)]);
        }
        try {
          for (const frame of new Framer(LIMIT).push(bytes)) {
            const given = readMessage(frame, LIMIT);
            for (const each of given?.entries ?? []) {
              const line = toContainerLine(given!.tag, each, 'shop');
              read += 1;
              const size = line.text.length + line.members.length;
              assert.ok(
                size < GROWTH * LIMIT && size <= GROWTH * plainSize(frame) + ROOM,
                `${size} of ${frame.length}`,
              );
              JSON.parse(`{${line.members}"end":0}`);
            }
          }
        } catch (error) {
          if (!(error instanceof MalformedError)) throw error;
        }
      },
    ),
    { numRuns: Number(process.env['MODEL_RUNS'] ?? 2000), includeErrorInReport: true },
  );
  assert.ok(read > 100, `only ${read} entries were read`);
});

/** Bytes of a message; of one that is compressed, what may come of it at most. */
function plainSize(frame: Buffer): number {
  return frame.includes('compressed') ? LIMIT : frame.length;
}

test.run();

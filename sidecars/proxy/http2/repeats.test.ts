/** Heads that come again: written and read from what is remembered of the first time, and the same as then. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FieldBlock } from './field-block.ts';
import { HpackDecoder } from './hpack-decoder.ts';
import { HpackEncoder } from './hpack-encoder.ts';
import { LineWriter } from './lines.ts';

const LIMIT = 64 * 1024;

/** Few different heads, so that they come again; a long one pushes entries out of the table. */
const line = fc.constantFrom(
  'Content-Type: application/grpc',
  'content-type:\tapplication/grpc ',
  'grpc-status: 0',
  'X-One: 1',
  'X-Two: 2',
  'x-empty:',
  'Connection: close',
  'TE: trailers',
  'Cookie: a=b',
  `x-long: ${'l'.repeat(1500)}`,
  `x-other: ${'o'.repeat(1500)}`,
);
const LEFT_OUT = /^(connection|te):/i;
const heads = fc.array(
  fc.record({
    lines: fc.array(line, { maxLength: 6 }),
    times: fc.integer({ min: 1, max: 4 }),
    path: fc.constantFrom('/a', '/b', '/'),
    resize: fc.option(fc.constantFrom(0, 100, 4096), { freq: 5 }),
    lost: fc.boolean(),
  }),
  { maxLength: 20 },
);

function linesOf({ bytes, fieldsEnd }: FieldBlock): string {
  return bytes.toString('latin1', 0, fieldsEnd);
}

/** As it must come out: lower case, without blanks, and without what is of one hop. */
function expected(path: string, lines: readonly string[]): string {
  return [`:path: ${path}`, ...lines.filter((each) => !LEFT_OUT.test(each))]
    .map((each) => {
      const colon = each.indexOf(':', 1);
      return `${each.slice(0, colon).toLowerCase()}: ${each.slice(colon + 1).trim()}\r\n`;
    })
    .join('');
}

test('a head that is written again reads the same, whatever happened to the tables meanwhile', () => {
  fc.assert(
    fc.property(heads, (all) => {
      const encoder = new HpackEncoder();
      const writer = new LineWriter(encoder);
      const decoder = new HpackDecoder();
      const block = new FieldBlock(LIMIT, LIMIT);
      for (const { lines, times, path, resize, lost } of all) {
        if (resize !== null) encoder.limitTable(resize);
        for (let time = 0; time < times; time++) {
          encoder.begin();
          encoder.usual(':path', path);
          writer.write(lines.map((each) => `${each}\r\n`).join(''));
          // A block that was begun and never sent.
          if (lost && time === 1) continue;
          encoder.sent();
          assert.ok(decoder.decode(block, encoder.bytes, 0, encoder.end));
          assert.is(linesOf(block), expected(path, lines));
          assert.is(block.pseudo(4), path);
          assert.is(block.count, lines.filter((each) => !LEFT_OUT.test(each)).length);
        }
      }
    }),
    { numRuns: 500 },
  );
});

test('a block that is read again says the same as to a reader who has not seen it', () => {
  const coded = fc.constantFrom(
    [0x82], // :method: GET
    [0x84, 0x88],
    [0x40, 1, 0x61, 1, 0x62], // a: b, kept
    [0xbe], // the newest entry
    [0xbf, 0xbe],
    [0xbf, 0x40, 1, 0x65, 1, 0x66], // the one before the newest, then e: f, kept
    [0x20], // the table is emptied
    [0x3f, 0xe1, 0x1f], // and has its old size again
    [0x20, 0x3f, 0xe1, 0x1f, 0x82],
    [0x00, 1, 0x63, 1, 0x64], // c: d, not kept
    [0x0f, 0x0d, 1, 0x35], // content-length: 5
    [0x00, 1, 0x41, 1, 0x42], // malformed
    [],
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(coded, fc.integer({ min: 1, max: 4 })), { maxLength: 20 }), (all) => {
      const seen: Buffer[] = [];
      const decoder = new HpackDecoder();
      const block = new FieldBlock(LIMIT, LIMIT);
      for (const [bytes, times] of all)
        for (let time = 0; time < times; time++) {
          seen.push(Buffer.from(bytes));
          const read = decoder.decode(block, seen.at(-1)!, 0, bytes.length);
          assert.is(read, readAnew(seen, block));
          if (!read) return;
        }
    }),
    { numRuns: 1000 },
  );
});

/** Read all blocks up to the last one with something between them that makes each look new. */
function readAnew(blocks: readonly Buffer[], found: FieldBlock): boolean {
  const decoder = new HpackDecoder();
  const block = new FieldBlock(LIMIT, LIMIT);
  let read = true;
  for (const [index, bytes] of blocks.entries()) {
    // Never indexed literals of a name that is different each time: they change no table.
    for (let other = 0; other < 8; other++)
      decoder.decode(block, Buffer.from([0x10, 2, 97 + (index % 26), 97 + other, 0]), 0, 5);
    read = decoder.decode(block, bytes, 0, bytes.length);
  }
  if (!read) return false;
  assert.is(linesOf(found), linesOf(block));
  assert.equal(found.fields.subarray(0, found.count * 4), block.fields.subarray(0, block.count * 4));
  assert.equal(found.infos.subarray(0, found.count), block.infos.subarray(0, block.count));
  for (const part of ['count', 'fieldsStart', 'fieldsEnd', 'tooLarge', 'malformed', 'contentLength', 'status'] as const)
    assert.is(found[part], block[part], part);
  for (let kind = 1; kind <= 6; kind++) assert.is(found.pseudo(kind), block.pseudo(kind));
  return true;
}

test.run();

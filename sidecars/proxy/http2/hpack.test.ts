/** HPACK against its RFC's own examples, against itself, and against bytes that mean nothing. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { charges } from '#proxy/loop/turn.ts';
import { FieldBlock } from './field-block.ts';
import { HpackDecoder } from './hpack-decoder.ts';
import { HpackEncoder } from './hpack-encoder.ts';
import { STATIC } from './hpack-tables.ts';
import { decodeHuffman, encodeHuffman, huffmanLength } from './huffman.ts';

const LIMIT = 16 * 1024;
const LONGEST = 64 * 1024;

function linesOf(block: FieldBlock): string[] {
  return block.bytes.toString('latin1', 0, block.fieldsEnd).split('\r\n').slice(0, -1);
}

function decodeHex(decoder: HpackDecoder, hex: string): string[] | undefined {
  const block = new FieldBlock(LIMIT, LONGEST);
  const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex');
  return decoder.decode(block, bytes, 0, bytes.length) ? linesOf(block) : undefined;
}

test("the RFC's requests are read, with and without Huffman's code (appendices C.3 and C.4)", () => {
  const expected = [
    [':method: GET', ':scheme: http', ':path: /', ':authority: www.example.com'],
    [':method: GET', ':scheme: http', ':path: /', ':authority: www.example.com', 'cache-control: no-cache'],
    [':method: GET', ':scheme: https', ':path: /index.html', ':authority: www.example.com', 'custom-key: custom-value'],
  ];
  for (const blocks of [
    [
      '8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
      '8286 84be 5808 6e6f 2d63 6163 6865',
      '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65',
    ],
    [
      '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff',
      '8286 84be 5886 a8eb 1064 9cbf',
      '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf',
    ],
  ]) {
    const decoder = new HpackDecoder();
    assert.equal(
      blocks.map((hex) => decodeHex(decoder, hex)),
      expected,
    );
  }
});

test("the RFC's responses are read while the table evicts (appendix C.6, a table of 256 bytes)", () => {
  const decoder = new HpackDecoder();
  // A change of the table's size to 256 before the first field stands for the setting of the example.
  const first = decodeHex(
    decoder,
    '3fe101 4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3',
  );
  assert.equal(first, [
    ':status: 302',
    'cache-control: private',
    'date: Mon, 21 Oct 2013 20:13:21 GMT',
    'location: https://www.example.com',
  ]);
  assert.is(decodeHex(decoder, '4883 640e ffc1 c0bf')![0], ':status: 307');
  assert.equal(
    decodeHex(
      decoder,
      '88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07',
    ),
    [
      ':status: 200',
      'cache-control: private',
      'date: Mon, 21 Oct 2013 20:13:22 GMT',
      'location: https://www.example.com',
      'content-encoding: gzip',
      'set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1',
    ],
  );
});

test("Huffman's code brings back what it was given", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const coded = Buffer.alloc(huffmanLength(bytes, 0, bytes.length));
      assert.is(encodeHuffman(bytes, 0, bytes.length, coded, 0), coded.length);
      const text = Buffer.alloc(coded.length * 2);
      const end = decodeHuffman(coded, 0, coded.length, text, 0);
      assert.equal(text.subarray(0, end), Buffer.from(bytes));
    }),
  );
});

const name = fc.oneof(
  fc.constantFrom(...STATIC.map(([each]) => each).filter((each) => !each.startsWith(':') && each !== 'te')),
  fc.stringMatching(/^[a-z0-9][a-z0-9_.-]{0,40}$/),
);
const value = fc.oneof(
  fc.constantFrom('', 'gzip, deflate', 'a', '600'),
  fc.stringMatching(/^[!-~\x80-\xff]([\t -~\x80-\xff]{0,200}[!-~\x80-\xff])?$/),
);
const heads = fc.array(
  fc.record({
    fields: fc.array(fc.tuple(name, value), { maxLength: 30 }),
    resize: fc.option(fc.nat(8192), { freq: 4 }),
    other: fc.nat(8192),
  }),
  { maxLength: 12 },
);

test('what is written is read, head after head, while the table fills, shrinks and grows', () => {
  fc.assert(
    fc.property(heads, (all) => {
      const encoder = new HpackEncoder();
      const decoder = new HpackDecoder();
      const block = new FieldBlock(1024 * 1024, 1024 * 1024);
      // Each head twice, since what comes a second time is written by reference.
      for (const { fields, resize, other } of all.flatMap((each) => [each, each])) {
        if (resize !== null) {
          encoder.limitTable(resize);
          encoder.limitTable(other);
        }
        encoder.begin();
        for (const [each, text] of fields) encoder.text(each.toUpperCase(), text);
        encoder.sent();
        assert.ok(decoder.decode(block, encoder.bytes, 0, encoder.end));
        assert.equal(
          linesOf(block),
          fields.map(([each, text]) => `${each}: ${text}`),
        );
        // The offsets say the same as the lines.
        assert.equal(
          fields.map((_, index) => [block.name(index), block.value(index)]),
          fields,
        );
      }
    }),
    { numRuns: 200 },
  );
});

test('bytes that mean nothing never throw, and never write beyond what a block has room for', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 10 }), (blocks) => {
      const decoder = new HpackDecoder();
      const block = new FieldBlock(512, 512);
      for (const bytes of blocks) {
        if (!decoder.decode(block, bytes, 0, bytes.length)) return;
        assert.ok(block.fieldsEnd <= 512);
      }
    }),
    { numRuns: 2000 },
  );
});

test('a small block that stands for a large head is given up, and costs what its bytes cost', () => {
  const decoder = new HpackDecoder();
  const block = new FieldBlock(LIMIT, LONGEST);
  // One field of 4,000 bytes, then 3,000,000 references to it: 12 GB, were they followed.
  const field = Buffer.concat([
    Buffer.from([0x40, 1, 0x61, 0x7f, 0x80 | (3873 & 0x7f), 3873 >> 7]),
    Buffer.alloc(4000, 97),
  ]);
  assert.ok(decoder.decode(block, field, 0, field.length));
  assert.is(block.value(0).length, 4000);
  const bomb = Buffer.alloc(3_000_000, 0xbe);
  const before = process.cpuUsage();
  assert.not(decoder.decode(block, bomb, 0, bomb.length));
  assert.ok(process.cpuUsage(before).user < 100_000);
  assert.ok(block.tooLarge && decoder.gaveUp);
});

test('more fields than a head may have are too many, and so are more bytes', () => {
  const decoder = new HpackDecoder();
  const block = new FieldBlock(LIMIT, LONGEST);
  for (const [count, tooLarge] of [
    [256, false],
    [257, true],
  ] as const) {
    const bytes = Buffer.concat(Array.from({ length: count }, () => Buffer.from([0x00, 1, 0x61, 1, 0x62])));
    assert.ok(decoder.decode(block, bytes, 0, bytes.length));
    assert.is(block.tooLarge, tooLarge);
  }
});

test('a head may have up to the limit in bytes, as lines, and no more', () => {
  const decoder = new HpackDecoder();
  const block = new FieldBlock(512, LONGEST);
  for (const [size, tooLarge] of [
    [512, false],
    [513, true],
  ] as const) {
    const value = size - 'a: \r\n'.length;
    const bytes = Buffer.concat([
      Buffer.from([0x00, 1, 0x61, 127, ((value - 127) & 127) | 128, (value - 127) >> 7]),
      Buffer.alloc(value, 98),
    ]);
    assert.ok(decoder.decode(block, bytes, 0, bytes.length));
    assert.is(block.tooLarge, tooLarge);
  }
});

test('a table that shrank and grew between heads announces its smallest size first (section 4.2)', () => {
  const encoder = new HpackEncoder();
  encoder.limitTable(100);
  encoder.limitTable(0);
  encoder.limitTable(1_000_000);
  encoder.begin();
  assert.equal([...encoder.bytes.subarray(0, encoder.end)], [0x20, 0x3f, 0xe1, 0x1f]);
  encoder.sent();
  encoder.begin();
  assert.is(encoder.end, 0);
});

test('a block that was begun and never sent does no harm to those after it', () => {
  const encoder = new HpackEncoder();
  const decoder = new HpackDecoder();
  const block = new FieldBlock(LIMIT, LONGEST);
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.array(fc.nat(5), { maxLength: 5 }), fc.boolean()), { maxLength: 20 }), (all) => {
      for (const [fields, sent] of all) {
        encoder.begin();
        for (const field of fields) encoder.text(`x-${field}`, `value ${field}`);
        if (!sent) continue;
        encoder.sent();
        assert.ok(decoder.decode(block, encoder.bytes, 0, encoder.end));
        assert.equal(
          linesOf(block),
          fields.map((field) => `x-${field}: value ${field}`),
        );
      }
    }),
  );
});

test('what must not be guessed piece by piece is never written by reference', () => {
  const encoder = new HpackEncoder();
  for (const secret of ['authorization', 'Cookie', 'set-cookie', 'proxy-authorization']) {
    const lengths = [1, 2, 3].map(() => {
      encoder.begin();
      encoder.text(secret, 'token');
      assert.is(encoder.bytes[0]! & 0xf0, 0x10);
      return encoder.end;
    });
    assert.equal(new Set(lengths).size, 1);
  }
});

/** A head's coded bytes, made by hand: what costs most for each of them. */
const dear = fc.oneof(
  // A name of the table, and an empty value: with and without a place in the table.
  fc.constantFrom([0x7e, 0], [0x0f, 0x2f, 0], [0x7f, 0, 0]),
  // The last entry again; one of the static table.
  fc.constantFrom([0xbe], [0x82]),
  // Changes of the table's size, which may stand before the first field only.
  fc.constantFrom([0x20], [0x3f, 0xe1, 0x1f]),
  // Empty names, empty values, codes of one letter.
  fc.constantFrom([0, 0, 0], [0x40, 1, 97, 0], [0x40, 0x81, 0x1f, 0x81, 0x1f]),
);

/** A head of a size that begins with an entry of the table, perhaps, and repeats pieces. */
function repeated(size: number, pieces: readonly (readonly number[])[], entry: Buffer): Buffer {
  const unit = Buffer.from(pieces.flat());
  return Buffer.concat([entry, Buffer.alloc(Math.max(unit.length, size - entry.length), unit)]);
}

const ENTRY = Buffer.concat([Buffer.from([0x40, 127, 0xbd, 0x1d]), Buffer.alloc(3900, 'n'), Buffer.from([0])]);
const pieces = fc.array(dear, { minLength: 1, maxLength: 3 });
const first = fc.constantFrom(Buffer.alloc(0), ENTRY);

test('a head of any kind costs at most 5 ms of CPU once its code is compiled', () => {
  fc.assert(
    fc.property(pieces, first, (units, entry) => {
      const bytes = repeated(LIMIT, units, entry);
      let least = Infinity;
      // What is collected or compiled meanwhile is none of a head's cost, and does not come each time.
      for (let time = 0; time < 50 && least >= 5; time++) {
        const decoder = new HpackDecoder();
        const block = new FieldBlock(LIMIT, LIMIT + LONGEST);
        const before = process.cpuUsage();
        decoder.decode(block, bytes, 0, bytes.length);
        const { user, system } = process.cpuUsage(before);
        least = Math.min(least, (user + system) / 1000);
      }
      assert.ok(least < 5, `${least} ms`);
    }),
    { numRuns: 200 },
  );
});

test('a head costs at most its coded bytes plus four times the limit, and those are charged', () => {
  for (const limit of [LIMIT, 1024 * 1024]) {
    const block = new FieldBlock(limit, limit + LONGEST);
    fc.assert(
      fc.property(pieces, first, (units, entry) => {
        const bytes = repeated(limit, units, entry);
        const before = charges();
        new HpackDecoder().decode(block, bytes, 0, bytes.length);
        const work = (charges() - before) * 2048;
        // One line more than the excess, which an entry of the table bounds.
        assert.ok(block.size <= Math.min(4 * limit, limit + 256 * 1024) + 8192, `${block.size} bytes for ${limit}`);
        assert.ok(work <= bytes.length + block.size, `${work} bytes were charged`);
        assert.ok(work > block.size - 2048, `${work} bytes of ${block.size} were charged`);
      }),
      { numRuns: 200 },
    );
  }
});

test('decoding far beyond the limit is given up, and so are endless changes of the table size', () => {
  const names = Buffer.concat([ENTRY, Buffer.alloc(2 * 100, Buffer.from([0x7e, 0]))]);
  const resizes = Buffer.alloc(4000, 0x20);
  for (const bytes of [names, resizes]) {
    const decoder = new HpackDecoder();
    assert.not(decoder.decode(new FieldBlock(LIMIT, LONGEST), bytes, 0, bytes.length));
    assert.ok(decoder.gaveUp);
  }
});

test.run();

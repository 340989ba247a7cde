/** Files in UTF-16 and ISO 8859-1: their lines are the same text, wherever writes, reads, rotations and kills fall. */
import { appendFileSync, copyFileSync, mkdirSync, renameSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Rig, scene } from '../test-rig.ts';

type Wide = 'utf-16le' | 'utf-16be';

const encode = (text: string, encoding: Wide): Buffer => {
  const bytes = Buffer.from(text, 'utf16le');
  return encoding === 'utf-16be' ? bytes.swap16() : bytes;
};

/** Bytes 0a and 00 are also halves of these: U+0A00, U+0A0A, U+000A's neighbours, U+0100; two have surrogates. */
const piece = fc.constantFrom('a', 'é', '日本', '\u0a00', '\u0a0a', '\u010a', 'Ā', '😀', '𐐊', '\t', '\r.', ' b');
const line = fc.oneof(
  fc.array(piece, { minLength: 1, maxLength: 6 }).map((pieces) => pieces.join('')),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }),
);
/** What is no event, or less than was written, by the rules for all lines, is not what is asked here. */
const plain = (text: string): boolean => !/[\n\r\0\ufeff]$|^[\0\ufeff{]|\n/.test(text);

type Rotation = 'none' | 'rename' | 'copytruncate';

for (const encoding of ['utf-16le', 'utf-16be'] as const)
  for (const mark of [true, false])
    test(`${encoding} ${mark ? 'with' : 'without'} a byte order mark: any text, cut anywhere`, async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(line.filter(plain), { maxLength: 14 }),
          fc.constantFrom('\n', '\r\n'),
          fc.infiniteStream(fc.nat(30)),
          fc.constantFrom<Rotation>('none', 'rename', 'copytruncate'),
          fc.nat(14),
          async (texts, end, steps, rotation, when) => {
            const rig = new Rig(mark ? {} : { encoding });
            mkdirSync(rig.logs, { recursive: true });
            const path = join(rig.logs, 'a.log');
            const write = async (lines: readonly string[]): Promise<void> => {
              if (lines.length === 0) return;
              const text = lines.map((each) => each + end).join('');
              const bytes = encode(mark ? `\ufeff${text}` : text, encoding);
              for (let at = 0; at < bytes.length;) {
                const step = steps.next().value! + 1;
                appendFileSync(path, bytes.subarray(at, at + step));
                at += step;
                await rig.look();
                if (step % 3 === 0) rig.deliver(step % 5, Math.min(step % 5, step % 2));
                if (step % 7 === 0) rig.restart();
              }
            };
            try {
              // With what makes no two files begin alike.
              const lines = texts.map((text, at) => `${at} ${text}`);
              const head = rotation === 'none' ? lines : lines.slice(0, when);
              await write(head);
              if (rotation === 'rename' && head.length > 0) renameSync(path, `${path}.1`);
              if (rotation === 'copytruncate' && head.length > 0) {
                copyFileSync(path, `${path}.1`);
                truncateSync(path, 0);
              }
              await rig.look();
              await write(lines.slice(head.length));
              await rig.finish();
              assert.equal(rig.messages, lines);
              assert.is(rig.lost, 0);
            } finally {
              rig.remove();
            }
          },
        ),
        { numRuns: 60, includeErrorInReport: true },
      );
    });

for (const encoding of ['utf-16le', 'utf-16be'] as const) {
  const bytes = (text: string): Buffer => encode(text, encoding);
  const each = (name: string, run: Parameters<typeof scene>[1], options: Parameters<typeof scene>[2] = {}): void =>
    scene(`${encoding}: ${name}`, run, { encoding, ...options });

  each('a file of which half a character was seen is known by its beginning after a kill', async (rig, path) => {
    // Its first byte is NUL.
    const first = encoding === 'utf-16be' ? 'one' : 'Āone';
    const lines = bytes(`${first}\ntwo\n`);
    writeFileSync(path('a.log'), lines.subarray(0, 1));
    await rig.look();
    appendFileSync(path('a.log'), lines.subarray(1));
    await rig.look();
    rig.deliver(1, 0);
    rig.restart();
    copyFileSync(path('a.log'), path('a.log.1'));
    truncateSync(path('a.log'), 0);
    await rig.finish();
    assert.equal(rig.messages, [first, 'two']);
    assert.is(rig.lost, 0);
  });

  each('what was not read when a file was truncated is read from the compressed copy', async (rig, path) => {
    writeFileSync(path('a.log'), bytes('one\ntwo\n'));
    await rig.look();
    appendFileSync(path('a.log'), bytes('three\n'));
    writeFileSync(path('a.log.1.gz'), gzipSync(bytes('one\ntwo\nthree\n')));
    writeFileSync(path('a.log'), bytes('four\n'));
    await rig.finish();
    assert.equal(rig.messages, ['one', 'two', 'three', 'four']);
    assert.is(rig.lost, 0);
  });

  each('a compressed file that was never seen plain', async (rig, path) => {
    writeFileSync(path('a.log'), bytes('one\n'));
    await rig.look();
    unlinkSync(path('a.log'));
    writeFileSync(path('a.log.2.gz'), gzipSync(bytes('one\n')));
    writeFileSync(path('a.log.1.gz'), gzipSync(bytes('two\n')));
    writeFileSync(path('a.log'), bytes('three\n'));
    await rig.finish();
    assert.equal(rig.messages.toSorted(), ['one', 'three', 'two']);
  });

  each('the hole that a writer leaves that keeps its place, also before half a character', async (rig, path) => {
    writeFileSync(path('a.log'), bytes('one\ntwo\n'));
    await rig.look();
    rig.deliver();
    truncateSync(path('a.log'), 0);
    truncateSync(path('a.log'), 1000);
    await rig.look();
    for (const byte of bytes('Ābc\nthree\n')) {
      appendFileSync(path('a.log'), Buffer.from([byte]));
      await rig.look();
    }
    await rig.finish();
    assert.equal(rig.messages, ['one', 'two', 'Ābc', 'three']);
  });

  each('space that was allocated ahead is not a line', async (rig, path) => {
    writeFileSync(path('a.log'), Buffer.concat([bytes('one\ntw'), Buffer.alloc(101)]));
    await rig.look();
    writeFileSync(path('a.log'), Buffer.concat([bytes('one\ntwo\n'), Buffer.alloc(97)]), { flag: 'r+' });
    await rig.finish();
    assert.equal(rig.messages, ['one', 'two']);
  });

  each('what is no character is U+FFFD, and what follows is whole', async (rig, path) => {
    writeFileSync(path('a.log'), bytes('a\ud800b\n\udc00\nc\n'));
    await rig.finish();
    assert.equal(rig.messages, ['a\ufffdb', '\ufffd', 'c']);
    // An application crashed within a character, and another one goes on behind it.
    appendFileSync(path('a.log'), Buffer.concat([bytes('d'), Buffer.from([0x61])]));
    rig.now += 100_000;
    await rig.finish();
    assert.equal(rig.messages.slice(3), ['d\ufffd']);
    appendFileSync(path('a.log'), Buffer.concat([Buffer.from([0x61]), bytes('\ne\n')]));
    await rig.finish();
    assert.equal(rig.messages.slice(4), ['\ufffd', 'e']);
  });

  // Of odd lengths, so that whatever is read at once ends within a character, in one of the runs between surrogates.
  for (const limit of [4097, 4098, 4099, 4100])
    each(
      `a line longer than all that is read at once is cut between characters, at ${limit} bytes`,
      async (rig, path) => {
        writeFileSync(path('a.log'), bytes(`before\n${'😀'.repeat(200_000)}\nafter\n`));
        await rig.finish();
        const [before, long, after, ...rest] = rig.messages;
        assert.equal([before, after, rest], ['before', 'after', []]);
        assert.is(long, '😀'.repeat(Math.floor(limit / 4)));
      },
      { limit },
    );

  // What is read at once is the limit, 4 KiB and 64 KiB.
  const limit = 200_001;
  each(
    'a newline of which half is read at once ends its line',
    async (rig, path) => {
      writeFileSync(path('a.log'), bytes(`${'x'.repeat((limit + 69_632 - 1) / 2)}\nafter\n`));
      await rig.finish();
      assert.is(rig.messages[1], 'after');
    },
    { limit },
  );

  each(
    'a secret across the cut is redacted',
    async (rig, path) => {
      writeFileSync(path('a.log'), bytes(`${'x'.repeat(2040)}password=${'y'.repeat(50)} ${'z'.repeat(5000)}\n`));
      await rig.finish();
      assert.not.match(rig.messages[0]!, /y/);
    },
    { limit: 4096, redact: 'password=y+' },
  );

  each(
    'an event of several lines goes on in the next file',
    async (rig, path) => {
      writeFileSync(path('a.log'), bytes('\ufeffE1\n  at a\n'));
      await rig.look();
      renameSync(path('a.log'), path('a.log.1'));
      writeFileSync(path('a.log'), bytes('\ufeff  at b\nE2\n'));
      await rig.look();
      renameSync(path('a.log'), path('a.log.2'));
      writeFileSync(path('a.log'), bytes('\ufeffE3\n'));
      await rig.finish();
      assert.equal(rig.messages, ['E1\n  at a\n  at b', 'E2', 'E3']);
    },
    { multiline: /^\S/ },
  );

  each(
    'only what is written from now on, and the line that is not complete',
    async (rig, path) => {
      writeFileSync(path('b.log'), bytes(`old\n\u0a00\u0a0a new`));
      await rig.look();
      appendFileSync(path('b.log'), bytes('er\n'));
      await rig.finish();
      assert.equal(rig.messages, ['\u0a00\u0a0a newer']);
    },
    { startAtEnd: true },
  );

  scene(
    `${encoding}: a byte order mark is believed before the parameter`,
    async (rig, path) => {
      writeFileSync(path('a.log'), bytes('\ufeffone\r\n\r\ntwo\r\n'));
      await rig.finish();
      assert.equal(rig.messages, ['one', 'two']);
    },
    { encoding: encoding === 'utf-16le' ? 'utf-16be' : 'utf-16le' },
  );
}

scene(
  'ISO 8859-1, also where it could be UTF-8 or begins like a byte order mark',
  async (rig, path) => {
    const lines = ['ÿþ', 'caf\u00e9', '\u00c3\u00a9', 'plain'];
    writeFileSync(path('a.log'), Buffer.from(`${lines.join('\n')}\n`, 'latin1'));
    await rig.finish();
    assert.equal(rig.messages, lines);
    assert.not.ok([...rig.store.values()].some(({ body }) => body.includes('not-utf8')));
  },
  { encoding: 'latin1' },
);

test.run();

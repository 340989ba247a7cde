/** Commands out of bytes that come in any pieces. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { encodeCommand } from '#kit/resp/encode-command.ts';
import { splitInline } from './inline.ts';
import { ProtocolError, RequestReader } from './request-reader.ts';

const LIMITS = { maxSize: 1024 * 1024, maxArguments: 1024 };

/**
 * All commands of some bytes that come in pieces of these sizes.
 * @param detached what was handed in is let go after each piece, and is no longer what it was
 */
function read(bytes: Buffer, sizes: readonly number[] = [], detached = false): string[][] {
  const reader = new RequestReader(LIMITS);
  const commands: string[][] = [];
  let at = 0;
  for (let piece = 0; at < bytes.length; piece++) {
    const size = sizes[piece] ?? bytes.length - at;
    const chunk = Buffer.from(bytes.subarray(at, at + size));
    reader.push(chunk);
    at += size;
    while (reader.next()) {
      const { command } = reader;
      if (detached) {
        reader.detach(true);
        chunk.fill('!');
      }
      commands.push(Array.from({ length: command.length }, (_, index) => command.text(index)));
      assert.equal(
        command.raw(),
        encodeCommand(commands.at(-1)!),
        'what is passed on is the command, whole and nothing else',
      );
    }
    if (detached) {
      reader.detach(false);
      chunk.fill('!');
    }
  }
  return commands;
}

const words = fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 6 });

test('commands come out as they went in, wherever the bytes are cut', () => {
  fc.assert(
    fc.property(
      fc.array(words, { minLength: 1, maxLength: 5 }),
      fc.array(fc.integer({ min: 1, max: 30 })),
      (all, sizes) => {
        const bytes = Buffer.concat(all.map((each) => encodeCommand(each)));
        const sent = all.map((each) => each.map((word) => Buffer.from(word).toString('latin1')));
        assert.equal(read(bytes, sizes), sent);
        assert.equal(read(bytes, sizes, true), sent, 'with memory that is used for something else afterwards');
      },
    ),
  );
});

test('a command or a part of one that waits does not hold the memory that was read', () => {
  const large = Buffer.alloc(64 * 1024);
  const [command, part] = ['*2\r\n$3\r\nGET\r\n$1\r\nk\r\n', '*2\r\n$5\r\nBLPOP\r\n$100\r\nxx'];
  const chunk = large.subarray(0, large.write(command + part));
  const reader = new RequestReader(LIMITS);
  reader.push(chunk);
  assert.ok(reader.next());
  reader.detach(true);
  assert.is(reader.command.raw().buffer.byteLength, command.length);
  assert.is(String(reader.command.raw()), command);
  assert.is(reader.command.text(1), 'k');
  assert.not(reader.next());
  reader.detach(false);
  assert.is(reader.command.raw().buffer.byteLength, 0);
  reader.push(Buffer.from(`${'x'.repeat(98)}\r\n`));
  assert.ok(reader.next());
  assert.is(reader.command.text(1), 'x'.repeat(100));
});

/** A length as a client may spell it. */
const spelling = (length: number): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constant(String(length)) },
    fc.constantFrom(`0${length}`, `+${length}`, `-${length}`, `${length} `, `${length}.0`),
  );

test('no command leaves in other bytes than those that its words are written with', () => {
  const command = words.chain((all) =>
    fc
      .tuple(spelling(all.length), ...all.map((word) => spelling(word.length)))
      .map(([count, ...lengths]) =>
        Buffer.concat([
          Buffer.from(`*${count}\r\n`),
          ...all.flatMap((word, index) => [
            Buffer.from(`$${lengths[index]}\r\n`),
            Buffer.from(word),
            Buffer.from('\r\n'),
          ]),
        ]),
      ),
  );
  fc.assert(
    fc.property(command, (bytes) => {
      const reader = new RequestReader(LIMITS);
      reader.push(bytes);
      try {
        while (reader.next()) {
          const { command: read } = reader;
          const all = Array.from({ length: read.length }, (_, index) => read.argument(index));
          assert.equal(read.raw().toString('latin1'), encodeCommand(all).toString('latin1'));
        }
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
      }
    }),
    { numRuns: 2000 },
  );
});

test('a long value in small pieces costs about its bytes', () => {
  const value = 'x'.repeat(1_000_000);
  const bytes = encodeCommand(['SET', 'key', value]);
  const begun = performance.now();
  assert.is(
    read(
      bytes,
      Array.from({ length: bytes.length / 10 + 1 }, () => 10),
    )[0]![2],
    value,
  );
  assert.ok(performance.now() - begun < 20_000);
});

test('inline commands are commands', () => {
  assert.equal(read(Buffer.from('PING\r\n  SET a "b c"\nGET a\r\n\r\n')), [
    ['PING'],
    ['SET', 'a', 'b c'],
    ['GET', 'a'],
  ]);
  assert.equal(splitInline(String.raw`set "a\x41\n" 'it\'s' ""`), ['set', 'aA\n', "it's", '']);
  assert.is(splitInline('"open'), undefined);
  assert.is(splitInline('"a"b'), undefined);
});

for (const [name, bytes] of [
  ['a negative length', '*1\r\n$-1\r\n'],
  ['a length of many digits', `*${'9'.repeat(40)}\r\n`],
  ['more arguments than allowed', '*1025\r\n'],
  ['a value longer than allowed', '*1\r\n$1048577\r\n'],
  ['a count with a leading zero', '*02\r\n$4\r\nPING\r\n$0\r\n\r\n'],
  ['a length with a leading zero', '*1\r\n$04\r\nPING\r\n'],
  ['a length of minus zero', '*1\r\n$-0\r\n\r\n'],
  ['no dollar', '*1\r\n:1\r\n'],
  ['no number', '*x\r\n'],
  ['a bare LF', '*1\n$4\nPING\n'],
  ['a value without its end', '*1\r\n$4\r\nPINGxx'],
  ['an endless line', 'x'.repeat(70_000)],
  ['a quote without end', 'GET "a\r\n'],
] as const)
  test(`${name} is no command`, () =>
    assert.throws(
      () => read(Buffer.from(bytes)),
      (error: unknown) => error instanceof ProtocolError,
    ));

test('empty arrays and lines are nothing', () => {
  assert.equal(read(Buffer.from('*0\r\n*-1\r\n\r\n*1\r\n$4\r\nPING\r\n')), [['PING']]);
});

test('garbage ends in an error or in waiting, never otherwise', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.array(fc.integer({ min: 1, max: 10 })), (bytes, sizes) => {
      try {
        const reader = new RequestReader(LIMITS);
        let at = 0;
        for (let piece = 0; at < bytes.length; piece++) {
          const size = sizes[piece] ?? 20;
          reader.push(Buffer.from(bytes.subarray(at, at + size)));
          at += size;
          while (reader.next());
        }
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
      }
    }),
    { numRuns: 2000 },
  );
});

test.run();

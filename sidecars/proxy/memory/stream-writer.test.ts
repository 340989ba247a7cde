import { Writable } from 'node:stream';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as fc from 'fast-check';
import { StreamWriter } from './stream-writer.ts';

/** A stream whose peer takes a piece only when it is told to. */
class Slow extends Writable {
  readonly seen: Buffer[] = [];
  #taken: (() => void) | undefined;

  constructor() {
    super({ highWaterMark: 64 * 1024 });
  }
  override _write(bytes: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    this.seen.push(Buffer.from(bytes));
    this.#taken = callback;
  }
  /** @returns whether there was something to take */
  async take(): Promise<boolean> {
    const taken = this.#taken;
    this.#taken = undefined;
    taken?.();
    await new Promise(setImmediate);
    return taken !== undefined;
  }
  get text(): string {
    return Buffer.concat(this.seen).toString('latin1');
  }
}

test('pieces that wait are joined: 60,000 bytes one by one leave in a few blocks', async () => {
  const stream = new Slow();
  const writer = new StreamWriter(stream);
  for (let each = 0; each < 60_000; each++)
    if (each % 2 === 0) writer.text('a');
    else writer.write(Buffer.from('b'));
  assert.is(writer.length, 60_000);
  while (await stream.take());
  assert.is(stream.text, 'ab'.repeat(30_000));
  assert.ok(stream.seen.length < 20, `${stream.seen.length} pieces`);
  assert.is(writer.length, 0);
});

test('what is gathered in one turn leaves in one piece', async () => {
  const stream = new Slow();
  const writer = new StreamWriter(stream);
  for (let each = 0; each < 1000; each++) writer.gather('1\r\nx\r\n');
  writer.text('0\r\n\r\n');
  while (await stream.take());
  assert.is(stream.text, `${'1\r\nx\r\n'.repeat(1000)}0\r\n\r\n`);
  assert.ok(stream.seen.length < 6, `${stream.seen.length} pieces`);
});

test('what a piece was cut from may be used again at once', async () => {
  const stream = new Slow();
  const writer = new StreamWriter(stream);
  const memory = Buffer.alloc(100, 'x');
  writer.text('head ');
  for (let each = 0; each < 3; each++) {
    memory.fill(48 + each);
    writer.write(memory.subarray(0, 2));
  }
  memory.fill('!');
  while (await stream.take());
  assert.is(stream.text, 'head 001122');
});

test('any pieces arrive in their order, however fast they are taken', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.constantFrom(1, 7, 900, 16_384, 20_000), fc.boolean(), fc.nat({ max: 2 })), {
        maxLength: 40,
      }),
      async (pieces) => {
        const stream = new Slow();
        const writer = new StreamWriter(stream);
        let expected = '';
        for (const [index, [size, asText, takes]] of pieces.entries()) {
          const piece = String.fromCharCode(65 + (index % 26)).repeat(size);
          expected += piece;
          if (asText && takes === 2) writer.gather(piece);
          else if (asText) writer.text(piece);
          else writer.write(Buffer.from(piece));
          for (let each = 0; each < takes; each++) await stream.take();
        }
        const ended = new Promise((resolve) => stream.on('finish', resolve));
        writer.flush();
        stream.end();
        while (await stream.take());
        await ended;
        assert.is(stream.text, expected);
      },
    ),
    { numRuns: 100 },
  );
});

test.run();

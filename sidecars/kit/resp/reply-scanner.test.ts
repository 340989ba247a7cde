/** Where replies end, cut anywhere. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { BadReply, ReplyScanner } from './reply-scanner.ts';

/** Replies of every type, nested. */
const { reply } = fc.letrec<{ reply: string; element: string }>((tie) => ({
  element: fc.oneof(
    { depthSize: 'small' },
    fc.stringMatching(/^[a-zA-Z ]{0,12}$/).map((text) => `+${text}\r\n`),
    fc.stringMatching(/^[A-Z]{1,5}$/).map((text) => `-${text} wrong\r\n`),
    fc.integer().map((value) => `:${value}\r\n`),
    fc.string({ maxLength: 30 }).map((text) => `$${Buffer.byteLength(text)}\r\n${text}\r\n`),
    fc.string({ maxLength: 30 }).map((text) => `!${Buffer.byteLength(text)}\r\n${text}\r\n`),
    fc.constantFrom(
      '$-1\r\n',
      '*-1\r\n',
      '*0\r\n',
      '_\r\n',
      '#t\r\n',
      ',1.5\r\n',
      '(12345678901234567890\r\n',
      '%0\r\n',
    ),
    fc.array(tie('element'), { maxLength: 4 }).map((each) => `*${each.length}\r\n${each.join('')}`),
    fc.array(tie('element'), { maxLength: 4 }).map((each) => `~${each.length}\r\n${each.join('')}`),
    fc
      .array(fc.tuple(tie('element'), tie('element')), { maxLength: 3 })
      .map((each) => `%${each.length}\r\n${each.flat().join('')}`),
    fc.tuple(tie('element'), tie('element'), tie('element')).map(([name, value, of]) => `|1\r\n${name}${value}${of}`),
  ),
  reply: tie('element') as fc.Arbitrary<string>,
}));

test('each reply ends where it ends', () => {
  fc.assert(
    fc.property(
      fc.array(reply, { minLength: 1, maxLength: 5 }),
      fc.array(fc.integer({ min: 1, max: 20 })),
      (replies, sizes) => {
        const bytes = Buffer.from(replies.join(''));
        const scanner = new ReplyScanner();
        const ends: number[] = [];
        let from = 0;
        for (let piece = 0; from < bytes.length; piece++) {
          const chunk = bytes.subarray(from, from + (sizes[piece] ?? bytes.length));
          let at = 0;
          while (at < chunk.length) {
            const end = scanner.scan(chunk, at);
            if (end === -1) break;
            ends.push(from + end);
            at = end;
          }
          from += chunk.length;
        }
        let sum = 0;
        assert.equal(
          ends,
          replies.map((each) => (sum += Buffer.byteLength(each))),
        );
      },
    ),
  );
});

for (const bytes of [
  'hello\r\n',
  '$x\r\n',
  `$${'9'.repeat(40)}\r\n`,
  '*99999999999\r\n',
  '$1\n',
  `+${'x'.repeat(70_000)}`,
])
  test(`${JSON.stringify(bytes.slice(0, 16))} is no reply`, () =>
    assert.throws(
      () => new ReplyScanner().scan(Buffer.from(bytes), 0),
      (error: unknown) => error instanceof BadReply,
    ));

test('garbage is a bad reply or waited for', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      try {
        const scanner = new ReplyScanner();
        for (let at = 0; at !== -1 && at < bytes.length;) at = scanner.scan(Buffer.from(bytes), at);
      } catch (error) {
        if (!(error instanceof BadReply)) throw error;
      }
    }),
    { numRuns: 3000 },
  );
});

test.run();

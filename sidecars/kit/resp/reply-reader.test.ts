import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { encodeCommand } from './encode-command.ts';
import { BadReply } from './reply-scanner.ts';
import { ReplyError, ReplyReader, textOf, type Reply } from './reply-reader.ts';

const test = suite('RESP replies');
const LIMITS = { bytes: 8 * 1024 * 1024, values: 200_000, depth: 8 };

/** Bytes of an answer. */
function bytesOf(reply: Reply): string {
  if (reply === null) return '$-1\r\n';
  if (typeof reply === 'number') return `:${reply}\r\n`;
  if (typeof reply === 'string') return `$${Buffer.byteLength(reply)}\r\n${reply}\r\n`;
  if (reply instanceof ReplyError) return `-${reply.message}\r\n`;
  if (typeof reply === 'bigint') return `(${reply}\r\n`;
  if (typeof reply === 'boolean') return `#${reply ? 't' : 'f'}\r\n`;
  if (!Array.isArray(reply)) return `>${reply.push.length}\r\n${reply.push.map(bytesOf).join('')}`;
  return `*${reply.length}\r\n${reply.map(bytesOf).join('')}`;
}

const { reply: anyReply } = fc.letrec<{ reply: Reply; array: Reply[] }>((tie) => ({
  reply: fc.oneof(
    { depthSize: 'small', maxDepth: 6 },
    fc.string({ unit: 'binary' }),
    fc.integer(),
    fc.bigInt(),
    fc.boolean(),
    fc.constant(null),
    tie('array'),
  ),
  array: fc.array(tie('reply'), { maxLength: 6 }),
}));

test('answers arrive whole, wherever the network cuts them', () => {
  const cuts = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 });
  fc.assert(
    fc.property(fc.array(anyReply, { minLength: 1, maxLength: 5 }), cuts, (replies, sizes) => {
      const bytes = Buffer.from(replies.map(bytesOf).join(''));
      const reader = new ReplyReader(LIMITS, 'utf8');
      const read: Reply[] = [];
      for (let at = 0, index = 0; at < bytes.length; index++) {
        const size = sizes[index % sizes.length]!;
        read.push(...reader.push(bytes.subarray(at, at + size)));
        at += size;
      }
      assert.equal(read, replies);
    }),
  );
});

test('any bytes are answers or an error, and no more than the limits are kept', () => {
  const limits = { bytes: 2000, values: 50, depth: 3 };
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.array(fc.constantFrom('*', '$', ':', '-', '+', '1', '9', '-1', '\r\n', 'x', '*3\r\n', '$2\r\n'), {
      maxLength: 80,
    }),
  );
  fc.assert(
    fc.property(bytes, (some) => {
      const reader = new ReplyReader(limits, 'utf8');
      try {
        const read = reader.push(Buffer.from(Array.isArray(some) ? some.join('') : some));
        assert.ok(read.length <= limits.values);
      } catch (error) {
        if (!(error instanceof BadReply)) throw error;
      }
    }),
    { numRuns: 500 },
  );
});

const refused: Record<string, [bytes: string, why: RegExp]> = {
  'an array that is absurdly long': ['*2000000000\r\n', /a length of 2000000000/],
  'a string that is absurdly long': ['$9999999999\r\n', /a length of 9999999999/],
  'a negative length': ['$-2\r\n', /a string of -2/],
  'arrays in arrays, too deep': [`${'*1\r\n'.repeat(100)}:1\r\n`, /too deep/],
  'a line without end': [`+${'x'.repeat(70_000)}`, /a line without end/],
  'many small values': [`*200001\r\n${':1\r\n'.repeat(200_001)}`, /more values/],
  HTTP: ['HTTP/1.1 400 Bad Request\r\n', /no RESP/],
  'a string without its end': ['$2\r\nabcd', /without CR LF/],
};
for (const [what, [bytes, why]] of Object.entries(refused))
  test(`refused: ${what}`, () => assert.throws(() => new ReplyReader(LIMITS, 'utf8').push(Buffer.from(bytes)), why));

test('the types of RESP3 are values, and an attribute is about the reply behind it', () => {
  const bytes = '%1\r\n+a\r\n,1.5\r\n~1\r\n_\r\n|1\r\n+b\r\n:1\r\n!5\r\nERR x\r\n,-inf\r\n';
  const [map, set, error, double] = new ReplyReader(LIMITS, 'utf8').push(Buffer.from(bytes));
  assert.equal([map, set, (error as ReplyError).message, double], [['a', 1.5], [null], 'ERR x', -Infinity]);
});

test('the text of a reply is that of a string or number, and nothing for any other', () => {
  const replies: Reply[] = ['a', 1, 2n, true, null, new ReplyError('ERR x'), ['a'], { push: ['a'] }];
  assert.equal(replies.map(textOf), ['a', '1', '2', 'true', '', '', '', '']);
});

test('a long answer is bounded in bytes', () => {
  const reader = new ReplyReader({ bytes: 1000, values: 10, depth: 2 }, 'utf8');
  reader.push(Buffer.from(`$900\r\n${'x'.repeat(600)}`));
  assert.throws(() => reader.push(Buffer.alloc(600)), /more than 1000 bytes/);
});

test('commands are arrays of bulk strings, counted in bytes', () => {
  assert.is(String(encodeCommand(['GET', 'ä'], 'utf8')), '*2\r\n$3\r\nGET\r\n$2\r\nä\r\n');
  assert.equal(encodeCommand(['ä', Buffer.from('b')]), Buffer.from('*2\r\n$1\r\nä\r\n$1\r\nb\r\n', 'latin1'));
});

test.run();

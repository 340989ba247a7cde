import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ChunkWalker } from './chunks.ts';

interface Outcome {
  readonly state: 'finished' | 'bad' | 'open';
  readonly data: string;
  readonly passed: string;
  readonly tail: string;
  readonly rest: string;
}

/** Walk a text in pieces. */
function walk(text: string, sizes: readonly number[] = []): Outcome {
  const walker = new ChunkWalker(1024);
  const bytes = Buffer.from(text, 'latin1');
  let at = 0;
  let data = '';
  let passed = '';
  let rest = '';
  for (const size of [...sizes, bytes.length]) {
    const piece = bytes.subarray(at, at + size);
    at += piece.length;
    if (walker.finished) rest += piece.toString('latin1');
    if (walker.finished || walker.bad || piece.length === 0) continue;
    const end = walker.walk(piece, 0, piece.length, {
      chunk: (from, to) => void (data += piece.toString('latin1', from, to)),
    });
    if (walker.bad) continue;
    passed += piece.toString('latin1', 0, walker.passEnd);
    rest += piece.toString('latin1', end);
  }
  return { state: walker.bad ? 'bad' : walker.finished ? 'finished' : 'open', data, passed, tail: walker.tail, rest };
}

const body = fc
  .tuple(
    fc.array(
      fc.tuple(
        fc
          .stringMatching(/^[\s\S]{1,40}$/)
          .map((text) => text.replace(/[^\0-\xff]/g, '?'))
          .filter((text) => text !== ''),
        fc.constantFrom('', ';a', ';a=b', ';a="b c"'),
        fc.boolean(),
      ),
      { maxLength: 6 },
    ),
    fc.constantFrom('', 'X-Sum: 1\r\n', 'A: 1\r\nB: 2\r\n'),
  )
  .map(([chunks, trailers]) => ({
    data: chunks.map(([text]) => text).join(''),
    text: `${chunks.map(([text, extension, upper]) => `${upper ? text.length.toString(16).toUpperCase() : `0${text.length.toString(16)}`}${extension}\r\n${text}\r\n`).join('')}0\r\n${trailers}\r\n`,
  }));

test('a body means the same however its bytes arrive', () => {
  fc.assert(
    fc.property(body, fc.array(fc.nat(9), { maxLength: 60 }), ({ text, data }, sizes) => {
      const outcome = walk(`${text}GET /`, sizes);
      assert.is(outcome.state, 'finished');
      assert.is(outcome.data, data);
      assert.is(outcome.passed + outcome.tail, text);
      assert.is(outcome.rest, 'GET /');
    }),
    { numRuns: 1000 },
  );
});

test('garbage means the same however its bytes arrive', () => {
  const piece = fc.constantFrom(
    '\r',
    '\n',
    '\r\n',
    '0',
    '1',
    'f',
    'G',
    ';',
    ' ',
    'x',
    '5\r\nhello\r\n',
    '0\r\n',
    'A: b\r\n',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), fc.array(fc.nat(4), { maxLength: 30 }), (pieces, sizes) => {
      const text = pieces.join('');
      const { state, tail } = walk(text, sizes);
      assert.equal(
        { state, empty: tail === '' || tail === '\r\n' },
        { state: walk(text).state, empty: walk(text).tail === '' || walk(text).tail === '\r\n' },
        JSON.stringify(text),
      );
    }),
    { numRuns: 2000 },
  );
});

test('a malformed chunk is refused', () => {
  for (const text of [
    'x\r\n',
    '\r\n',
    ' 5\r\nhello',
    '5 \r\nhello',
    '5\nhello',
    '5\r\nhelloX',
    '5\r\nhello\n',
    '5\r\nhello\rX',
    '-1\r\n',
    '+1\r\n',
    '0x1\r\n',
    '1;a\n',
    '1;a\0\r\n',
    '00000000000001\r\n',
    'fffffffffffffff\r\n',
    '0\r\nA : b\r\n\r\n',
    '0\r\nA: b\n\r\n',
    '0\r\n A: b\r\n\r\n',
    '0\r\n\n',
    `1;${'a'.repeat(5000)}\r\n`,
    `0\r\n${'A: b\r\n'.repeat(300)}\r\n`,
  ]) {
    assert.is(walk(text).state, 'bad', JSON.stringify(text.slice(0, 40)));
  }
});

test('a trailer cannot say what only the head or the sidecar may say', () => {
  const { tail } = walk(
    '0\r\nContent-Length: 5\r\nX-Sum: 1\r\nX-Forwarded-For: me\r\nx_forwarded_for: me\r\nTransfer-Encoding: chunked\r\nHost: b\r\nX-Sum2: 2\r\n\r\n',
  );
  assert.is(tail, 'X-Sum: 1\r\nX-Sum2: 2\r\n\r\n');
});

test.run();

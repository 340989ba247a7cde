import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Chunk, type Encoding } from './chunk.ts';
import { Splitter } from './splitter.ts';

const piece = fc.constantFrom(
  '\u0a00',
  '\u0a0a',
  'Ā',
  '😀',
  'a',
  '\n',
  '\n\n',
  '\r\n',
  ' at b\n',
  'é',
  '日本',
  '\n  c',
  'E: x\n',
  '',
);
const text = fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join(''));

const encodings: readonly Encoding[] = ['utf-8', 'utf-16le', 'utf-16be'];
const encode = (whole: string, encoding: Encoding): Buffer => {
  const bytes = Buffer.from(whole, encoding === 'utf-8' ? 'utf8' : 'utf16le');
  return encoding === 'utf-16be' ? bytes.swap16() : bytes;
};

/** The events of a text, by the definition: a line that matches begins one. */
function expected(whole: string, first: RegExp | undefined): { events: string[]; rest: string } {
  const lines = whole.split('\n');
  const last = lines.pop()!;
  const events: string[] = [];
  for (const [index, line] of lines.entries()) {
    if (first === undefined || index === 0 || first.test(line)) events.push(`${line}\n`);
    else events[events.length - 1] += `${line}\n`;
  }
  const open = first === undefined ? '' : (events.pop() ?? '');
  return { events, rest: open + last };
}

for (const first of [undefined, /^\S/, /^$/]) {
  test(`events are told apart${first ? ` by ${first}` : ''}`, () => {
    fc.assert(
      fc.property(text, fc.constantFrom(...encodings), (whole, encoding) => {
        const chunk = new Chunk(encode(whole, encoding), encoding);
        const events: string[] = [];
        const { event, line } = new Splitter(first).split(chunk, (from, to) => events.push(chunk.text(from, to)));
        assert.equal({ events, rest: chunk.text(event, chunk.length) }, expected(whole, first));
        assert.is(chunk.text(line, chunk.length), whole.slice(whole.lastIndexOf('\n') + 1));
      }),
      { numRuns: 1000 },
    );
  });

  test(`the end of a long event is found wherever it is looked for from${first ? `, by ${first}` : ''}`, () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 7 }), fc.constantFrom(...encodings), (whole, step, encoding) => {
        const bytes = encode(whole, encoding);
        const splitter = new Splitter(first);
        const chunk = new Chunk(bytes, encoding);
        let end: number | undefined;
        splitter.split(chunk, (_from, to) => (end ??= to));
        // The same, with a window that grows, as a file does.
        let position = 0;
        let inLine = true;
        let found: number | undefined;
        for (let to = 0; to <= bytes.length + step && found === undefined; to += step) {
          const window = new Chunk(bytes.subarray(position, Math.min(to, bytes.length)), encoding, position);
          const result = splitter.findEnd(window, inLine);
          if (result.found !== undefined) found = position + result.found;
          else {
            position += result.next;
            inLine = result.inLine;
          }
        }
        assert.is(found, end);
      }),
      { numRuns: 1000 },
    );
  });
}

test('a part of UTF-16 is cut into the same characters, wherever it begins and ends', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme' }),
      fc.constantFrom<Encoding>('utf-16le', 'utf-16be'),
      fc.nat(40),
      fc.nat(40),
      fc.nat(40),
      (whole, encoding, from, length, cut) => {
        const bytes = encode(whole, encoding);
        const part = bytes.subarray(from, from + length);
        const chunk = new Chunk(part, encoding, from);
        const at = chunk.boundary(cut);
        assert.ok(at <= Math.min(cut, part.length) && at >= Math.min(cut, part.length) - 3, `${at} of ${cut}`);
        // What is there twice is one character's both halves.
        const [before, after] = [chunk.text(0, at), chunk.text(at, part.length)];
        if (at > 1) assert.is(before + after, chunk.text(0, part.length));
        if (from % 2 === 0 && at > 1) {
          const exact = whole.slice(from / 2, from / 2 + at / 2);
          assert.is(before, exact.toWellFormed());
          assert.not.ok(/[\ud800-\udbff]$/.test(exact), 'no half of a character is left');
        }
      },
    ),
    { numRuns: 2000 },
  );
});

test.run();

import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Chunk } from './chunk.ts';
import { Splitter } from './splitter.ts';

const piece = fc.constantFrom('a', '\n', '\n\n', '\r\n', ' at b\n', 'é', '日本', '\n  c', 'E: x\n', '');
const text = fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join(''));

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
      fc.property(text, (whole) => {
        const chunk = new Chunk(Buffer.from(whole));
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
      fc.property(text, fc.integer({ min: 1, max: 7 }), (whole, step) => {
        const bytes = Buffer.from(whole);
        const splitter = new Splitter(first);
        const chunk = new Chunk(bytes);
        let end: number | undefined;
        splitter.split(chunk, (_from, to) => (end ??= to));
        // The same, with a window that grows, as a file does.
        let position = 0;
        let inLine = true;
        let found: number | undefined;
        for (let to = 0; to <= bytes.length + step && found === undefined; to += step) {
          const window = new Chunk(bytes.subarray(position, Math.min(to, bytes.length)));
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

test.run();

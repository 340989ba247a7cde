import fc from 'fast-check';
import { stripVTControlCharacters } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { formatFindings, gigabytes, wrap } from './findings.ts';

const plain = (lines: string[]) => lines.map((line) => stripVTControlCharacters(line));

test('names are aligned, long texts and advice stand under their beginning', () => {
  const lines = formatFindings([
    { mark: 'ok', name: 'compose', text: '2.26.1' },
    {
      mark: 'bad',
      name: 'base images',
      text: `missing: ${'sidecar-stacks/node:26, '.repeat(4)}end`,
      advice: ['Fix it:', '    make setup'],
    },
    { mark: 'note', name: 'npm', text: 'none' },
  ]);
  assert.equal(plain(lines), [
    '  ✓ compose      2.26.1',
    '  ✗ base images  missing: sidecar-stacks/node:26, sidecar-stacks/node:26,',
    '                 sidecar-stacks/node:26, sidecar-stacks/node:26, end',
    '                 Fix it:',
    '                     make setup',
    '  ! npm          none',
  ]);
});

test('no line is longer than the width, but for a longer word, and no word is lost', () => {
  const text = fc.array(fc.stringMatching(/^[^\s]{1,30}$/), { minLength: 1 }).map((words) => words.join(' '));
  fc.assert(
    fc.property(text, fc.integer({ min: 1, max: 60 }), (sentence, width) => {
      const lines = wrap(sentence, width);
      assert.is(lines.join(' '), sentence);
      for (const line of lines) assert.ok(line.length <= width || !line.includes(' '));
    }),
  );
});

test('sizes are in gigabytes', () => {
  assert.is(gigabytes(86_123_456_789), '86.1 GB');
});

test.run();

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Recap } from './recap.ts';

const test = suite('recap');

const recapOf = (...texts: string[]): string[] => {
  const recap = new Recap();
  for (const text of texts) recap.hear(text);
  return recap.lines();
};

test('nothing failed, nothing is said', () => {
  assert.equal(recapOf('ok a.test.ts', '  a line below', '# unit tests: 3 passed, 0 failed', '[https] up done'), []);
});

test('a failed file is said again with the lines below it, and no others', () => {
  assert.equal(recapOf('ok a', 'FAILED b.test.ts (1 passed)', '  expected 1', '  got 2', 'ok c', '  of c'), [
    '',
    '# what failed',
    'FAILED b.test.ts (1 passed)',
    '  expected 1',
    '  got 2',
  ]);
});

test("a stack's failed obligation is said again with its reason", () => {
  assert.equal(recapOf('[https] ok must a', '[https] FAILED must b', '[https]   because', '[logs] ok must c'), [
    '',
    '# what failed',
    '[https] FAILED must b',
    '[https]   because',
  ]);
});

test('what another stack says next does not belong to it', () => {
  assert.equal(recapOf('[https] FAILED must b', '[https]   because', '[logs]   100 lines').slice(2), [
    '[https] FAILED must b',
    '[https]   because',
  ]);
});

test('a stack that never began is said again, colours or not', () => {
  assert.equal(recapOf('', '\u001B[31m✗\u001B[39m https  3.0s', '  no engine', '✓ logs: 2 passed').slice(2), [
    '✗ https  3.0s',
    '  no engine',
  ]);
});

test('what is printed at once with a failure belongs to it', () => {
  assert.equal(recapOf('FAILED README.md:3: x printed\na\nand not\nb', 'ok README.md: y').slice(2), [
    'FAILED README.md:3: x printed',
    'a',
    'and not',
    'b',
  ]);
});

test('a long failure is cut', () => {
  const lines = recapOf('FAILED a', ...Array.from({ length: 200 }, (_, index) => `  ${index}`));
  assert.is(lines.length, 2 + 60 + 1);
  assert.is(lines.at(-1), '  …');
});

test.run();

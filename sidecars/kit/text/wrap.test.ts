import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { wrap } from './wrap.ts';

test('lines are as long as they may be, and no word is broken', () => {
  assert.equal(wrap('one two three', 2, 9), ['  one two', '  three']);
  assert.equal(wrap('a-word-that-is-too-long b', 1, 10), [' a-word-that-is-too-long', ' b']);
  assert.equal(wrap('', 4), ['    ']);
});

test('rows of a table stay aligned', () => {
  const rows = ['PID USER  COMMAND', '  7 root  init', ' 30 8000  perl'];
  assert.equal(
    rows.flatMap((row) => wrap(row, 6)),
    rows.map((row) => `      ${row}`),
  );
});

test.run();

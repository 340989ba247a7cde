/** Lines for a terminal: nothing is cut, no word broken, and a command can be copied. */
import { stripVTControlCharacters } from 'node:util';
import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { wrap } from '#kit/text/wrap.ts';
import { resultLines, stepLines } from './text.ts';

const test = suite('text');

const plain = (lines: readonly string[]): string[] => lines.map((line) => stripVTControlCharacters(line));
const word = fc.stringMatching(/^[a-z…,.()]{1,12}$/);

for (const width of [80, 120])
  test(`at ${width} columns a step shows every word, whole, and no line is wider`, () => {
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 60 }), fc.nat(1_000_000), (words, ms) => {
        const lines = plain(stepLines('✓', words.join(' '), ms, 4, width));
        for (const line of lines) assert.ok(line.length <= width, line);
        const shown = lines
          .join(' ')
          .split(' ')
          .filter((each) => each !== '' && each !== '✓');
        const time = `${(ms / 1000).toFixed(1)}s`;
        assert.equal(
          shown.filter((each) => each !== time || words.includes(time)),
          words,
        );
        assert.ok(lines[0]!.endsWith(time));
      }),
    );
  });

test('a command between backticks stays on one line', () => {
  const command = '`docker compose -p sidecar-stacks-https-abc123 down --volumes --remove-orphans`';
  const lines = wrap(`It is up. When you have seen enough, remove it with ${command}, or leave it.`, 4, 80);
  assert.ok(
    lines.some((line) => line.includes(`${command},`)),
    lines.join('\n'),
  );
  assert.equal(
    lines.join(' ').split(/\s+/).filter(Boolean),
    `It is up. When you have seen enough, remove it with ${command}, or leave it.`.split(' '),
  );
});

test('rows keep the blanks before their first word, and a lone backtick breaks nothing', () => {
  assert.equal(wrap('  a b', 2, 80), ['    a b']);
  assert.equal(wrap('it`s a b', 0, 5), ['it`s', 'a b']);
  assert.equal(wrap('', 2, 80), ['  ']);
});

test('what was skipped is counted apart from what failed', () => {
  const obligation = (state: 'passed' | 'skipped') => ({ name: state, state, ms: 1 });
  const lines = resultLines({
    stack: 'https',
    run: 'r',
    ok: true,
    ms: 1,
    phases: {},
    ports: {},
    kept: false,
    failures: [],
    obligations: [obligation('passed'), obligation('passed'), obligation('skipped')],
  });
  assert.match(plain(lines).join('\n'), /https: 2 passed, 1 skipped/);
});

test.run();

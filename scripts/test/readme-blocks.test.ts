import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { commandBlocks, printsAs } from './readme-blocks.ts';

const test = suite('readme blocks');

const fence = '```';
const block = (before: string, language: string, ...lines: string[]): string =>
  [before, `${fence}${language}`, ...lines, fence].join('\n');

test('a block says in a comment how it is known to work', () => {
  const hows = [
    '<!-- run -->',
    '<!-- run: engine -->',
    '<!-- covered: by the stack -->',
    '<!-- not run: it opens a browser -->',
    'Just words:',
    '<!-- covered -->',
    '<!-- not run -->',
  ].map((comment) => commandBlocks(block(comment, 'sh', 'true'))[0]!.how);
  assert.equal(hows, ['run', 'run-engine', 'covered', 'not-run', 'unsaid', 'unsaid', 'unsaid']);
});

test('the lines of a sh block are commands, but for comments', () => {
  const [first] = commandBlocks(block('<!-- run -->', 'sh', '# why', 'one', '', 'two'));
  assert.equal(
    first!.commands.map(({ text }) => text),
    ['one', 'two'],
  );
});

test('a console block shows what each command prints', () => {
  const [first] = commandBlocks(block('<!-- run -->', 'console', '$ one', 'a', 'b', '$ two'));
  assert.equal(first!.commands, [
    { text: 'one', expected: 'a\nb' },
    { text: 'two', expected: '' },
  ]);
});

test('other languages are no commands, and a comment counts for the next block only', () => {
  const blocks = commandBlocks([block('<!-- run -->', 'yaml', 'a: b'), block('', 'sh', 'true')].join('\n\n'));
  assert.equal(
    blocks.map(({ how, line }) => [how, line]),
    [['unsaid', 8]],
  );
});

test('… stands for any text', () => {
  assert.ok(printsAs('took …s\ndone', 'took 1.2s\ndone\n'));
  assert.ok(printsAs('a…z', 'a\nb\nz'));
  assert.not(printsAs('took …s\ndone', 'took 1.2s\nfailed'));
  assert.not(printsAs('a.c', 'abc'));
});

test.run();

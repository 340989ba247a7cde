import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ROOT } from '../lib/stacks.ts';

const MARKDOWN = readFileSync(join(ROOT, 'SECURITY.md'), 'utf8');
const MODEL = MARKDOWN.slice(MARKDOWN.indexOf('## Threat model'));

/** The titles of a file's tests, as they are written. A comment, or a test that is skipped, is none. */
const titlesOf = (file: string): readonly string[] =>
  Array.from(
    readFileSync(file, 'utf8').matchAll(/^ *test\(\s*([`'"])((?:\\.|(?!\1).)*)\1/gm),
    ([, , title = '']) => title,
  );

test('each promise of the threat model names a test that there is', () => {
  const rows = MODEL.split('\n').filter((line) => line.startsWith('| ') && !/^\| (?:Promise|---)/.test(line));
  assert.ok(rows.length > 20, `${rows.length} promises`);
  const missing = rows.filter((row) => {
    const [, path = '', name = ''] = /\| \[[^\]]+\]\(([^)]+\.test\.ts)\): “(.+)” \|$/.exec(row) ?? [];
    const file = join(ROOT, path);
    return name === '' || !existsSync(file) || !titlesOf(file).some((title) => title.includes(name));
  });
  assert.equal(missing, []);
});

test('the threat model has every sidecar', () => {
  const headings = [...MODEL.matchAll(/^### (.+)$/gm)].map(([, heading]) => heading).join(' ');
  const sidecars = globSync('sidecars/*/contract.json', { cwd: ROOT }).map((path) => path.split('/')[1]!);
  assert.ok(sidecars.length > 5);
  assert.equal(
    sidecars.filter((name) => !headings.includes(name)),
    [],
  );
});

test.run();

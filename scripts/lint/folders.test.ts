import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ROOT } from '../lib/stacks.ts';
import { circlesOf } from './folders.ts';

const files = globSync('{scripts,servers,sidecars,stacks,tools,workshop}/**/*.ts', {
  cwd: ROOT,
  exclude: ['**/node_modules/**', '**/dist/**', '**/templates/**', '**/fixtures/**', 'workshop/mine/**'],
}).filter((file) => !file.endsWith('.test.ts'));
/** Without what tests use. */
const sources = files.filter((file) => !/\/test-[^/]+\.ts$|\/testing\//.test(file));

const MOST_LINES = 350;

test('a circle of folders is found, also one by way of a third', () => {
  const tree: Readonly<Record<string, string>> = {
    'a/x.ts': "import { y } from '../b/y.ts';",
    'b/y.ts': "import type { z } from '../c/z.ts';",
    'c/z.ts': "export * from '../a/other.ts';",
    'a/other.ts': "import './x.ts';",
    'd/d.ts': "import { x } from '../a/x.ts'; await import('../e/e.ts');",
    'e/e.ts': "import '#kit/k.ts';",
    'sidecars/kit/k.ts': '',
  };
  assert.equal(
    circlesOf(Object.keys(tree), (path) => tree[path]!),
    [['a', 'b', 'c']],
  );
});

test('folders import each other in one direction only', () => {
  assert.equal(
    circlesOf(sources, (path) => readFileSync(join(ROOT, path), 'utf8')),
    [],
  );
});

test(`no file has more than ${MOST_LINES} lines`, () => {
  const long = files.filter((file) => readFileSync(join(ROOT, file), 'utf8').split('\n').length - 1 > MOST_LINES);
  assert.equal(long, []);
});

test.run();

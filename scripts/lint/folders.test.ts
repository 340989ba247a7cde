import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ROOT } from '../lib/stacks.ts';
import { circlesOf } from './folders.ts';

const sources = globSync('{scripts,servers,sidecars,stacks,tools,workshop}/**/*.ts', {
  cwd: ROOT,
  exclude: ['**/node_modules/**', '**/dist/**', '**/templates/**', '**/fixtures/**', 'workshop/mine/**'],
}).filter((file) => !/\.test\.ts$|\/test-[^/]+\.ts$|\/testing\//.test(file));

/** Rooms with a circle of this many folders, from before there was this check. A number may fall, and none may be added. */
const CIRCLES: Readonly<Record<string, number>> = {
  'sidecars/log-shipper': 8,
  'sidecars/proxy': 7,
};
/** Files that were longer before there was this check. */
const LONG: readonly string[] = [
  'servers/control-plane/src/xds/server.ts',
  'sidecars/proxy/downstream/listener.ts',
  'tools/export/volumes.ts',
];
const MOST_LINES = 350;

test('a circle of folders is found, also one by way of a third', () => {
  const files: Readonly<Record<string, string>> = {
    'a/x.ts': "import { y } from '../b/y.ts';",
    'b/y.ts': "import type { z } from '../c/z.ts';",
    'c/z.ts': "export * from '../a/other.ts';",
    'a/other.ts': "import './x.ts';",
    'd/d.ts': "import { x } from '../a/x.ts'; await import('../e/e.ts');",
    'e/e.ts': "import '#kit/k.ts';",
    'sidecars/kit/k.ts': '',
  };
  assert.equal(
    circlesOf(Object.keys(files), (path) => files[path]!),
    [['a', 'b', 'c']],
  );
});

test('folders import each other in one direction only', () => {
  const seen: Record<string, number> = {};
  for (const circle of circlesOf(sources, (path) => readFileSync(join(ROOT, path), 'utf8'))) {
    const room = circle[0]!.split('/').slice(0, 2).join('/');
    seen[room] = Math.max(seen[room] ?? 0, circle.length);
    assert.ok(circle.length <= (CIRCLES[room] ?? 0), `in a circle: ${circle.join(', ')}`);
  }
  assert.equal(seen, CIRCLES, 'where a circle has become smaller, its number here falls');
});

test(`no file has more than ${MOST_LINES} lines`, () => {
  const long = sources.filter((file) => readFileSync(join(ROOT, file), 'utf8').split('\n').length - 1 > MOST_LINES);
  assert.equal(long.toSorted(), LONG.toSorted());
});

test.run();

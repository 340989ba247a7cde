import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bundle } from './bundle.ts';
import { SetupError } from '../lib/setup-error.ts';

const root = mkdtempSync(join(tmpdir(), 'bundle-test-'));
test.after(() => rmSync(root, { recursive: true }));

function put(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

const putOld = (): void => {
  put('node_modules/old/index.js', "exports.system = require('node:os').type();");
  put('node_modules/old/package.json', JSON.stringify({ name: 'old', version: '1.2.3', license: 'MIT' }));
  put('node_modules/old/LICENSE.md', 'Copyright \u{a9} J\u{fc}rgen */ all is required');
};
putOld();
put('sidecars/one/src/greeting.ts', "export const greeting: string = 'hello'; export const unused = 'left out';");
put('sidecars/one/src/main.ts', "import { greeting } from './greeting.ts'; console.log(greeting);");
put(
  'stacks/s/services/two/src/main.ts',
  // The banner makes a `require` for old packages; a program may make one of its own.
  "import { createRequire } from 'node:module'; import old from 'old'; console.log(old.system.length > 0 && !!createRequire(import.meta.url), import.meta.filename);",
);
put('sidecars/kit/contract/help.ts', 'export {};');

const ONE = 'sidecars/one/dist/one.mjs';
const TWO = 'stacks/s/services/two/dist/two.mjs';
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const execute = (path: string) => execFileSync(process.execPath, [join(root, path)], { encoding: 'utf8' });

test('every program becomes one file that runs by itself', async () => {
  assert.equal(await bundle(root), [
    { path: ONE, written: true },
    { path: TWO, written: true },
  ]);
  rmSync(join(root, 'node_modules'), { recursive: true });
  assert.is(execute(ONE), 'hello\n');
  assert.is(execute(TWO), `true ${join(root, TWO)}\n`);
  putOld();
});

test('only a bundle that calls require gets one', () => {
  assert.match(read(TWO), /^import \{ createRequire as requireOfBundle \}/);
  assert.not.match(read(ONE), 'createRequire');
});

test("a bundle ends with its packages' licences, in ASCII, and keeps its source map's name last", () => {
  const [, notices] = read(TWO).split('Packages in this file');
  assert.match(
    notices!,
    '== old 1.2.3 (MIT)\n\nCopyright (c) Jurgen * / all is required\n*/\n//# sourceMappingURL=two.mjs.map',
  );
  assert.not.match(read(ONE), 'Packages in this file');
});

test('what is not used is left out, what is used stays readable, and its map holds the source', () => {
  assert.not.match(read(ONE), 'left out');
  assert.match(read(ONE), 'console.log(greeting)');
  const map = JSON.parse(read(`${ONE}.map`)) as { sourcesContent: string[] };
  assert.ok(map.sourcesContent.some((source) => source.includes('const greeting: string')));
});

test('a stack trace leads to the line in the source', () => {
  put('sidecars/one/src/main.ts', '\n\nthrow new Error("here");\n');
  return bundle(root).then(() => {
    try {
      execFileSync(process.execPath, ['--enable-source-maps', join(root, ONE)], { stdio: 'pipe' });
      assert.unreachable();
    } catch (error) {
      assert.match(String((error as { stderr: Buffer }).stderr), 'src/main.ts:3:');
    }
  });
});

test('a page becomes one script for a browser and one style', async () => {
  put('sidecars/one/page/word.ts', "export const word: string = 'hello';");
  put('sidecars/one/page/main.ts', "import { word } from './word.ts'; globalThis.print(word);");
  put('sidecars/one/page/style.css', 'body { margin: 0 }');
  const programs = (await bundle(root)).map(({ path }) => path);
  assert.equal(programs, [ONE, TWO]);
  const said: string[] = [];
  runInNewContext(read('sidecars/one/dist/page.js'), { print: (text: string) => said.push(text) });
  assert.equal(said, ['hello']);
  assert.match(read('sidecars/one/dist/page.css'), /margin: 0/);
  assert.not.match(read('sidecars/one/dist/page.js'), /import|require/);
});

test('a file with the same content is not touched', async () => {
  await bundle(root);
  const before = statSync(join(root, ONE)).mtimeMs;
  assert.equal(await bundle(root), [
    { path: ONE, written: false },
    { path: TWO, written: false },
  ]);
  assert.is(statSync(join(root, ONE)).mtimeMs, before);
});

test('a program that does not compile is named, and the last good bundle stays', async () => {
  const good = read(ONE);
  put('sidecars/one/src/main.ts', "import './gone.ts';");
  try {
    await bundle(root);
    assert.unreachable();
  } catch (error) {
    assert.instance(error, SetupError);
    assert.match((error as SetupError).advice.join('\n'), 'sidecars/one/src/main.ts');
  }
  assert.is(read(ONE), good);
});

test('nothing is bundled while nothing has changed, and all is as soon as something has', async () => {
  put('sidecars/one/src/main.ts', "import { greeting } from './greeting.ts'; console.log(greeting);");
  // So old that it cannot have changed while it was bundled.
  for (const path of ['sidecars/one/src/main.ts', 'sidecars/one/src/greeting.ts'])
    utimesSync(join(root, path), new Date(1e12), new Date(1e12));
  await bundle(root);
  const stamp = statSync(join(root, '.cache/bundles.json')).mtimeMs;
  assert.equal(await bundle(root), [
    { path: ONE, written: false },
    { path: TWO, written: false },
  ]);
  assert.is(statSync(join(root, '.cache/bundles.json')).mtimeMs, stamp, 'not even looked at again');

  put('sidecars/one/src/greeting.ts', "export const greeting: string = 'good evening';");
  assert.is((await bundle(root)).find(({ path }) => path === ONE)!.written, true, 'a source');
  assert.is(execute(ONE), 'good evening\n');
  await bundle(root);
  rmSync(join(root, TWO));
  assert.is((await bundle(root)).find(({ path }) => path === TWO)!.written, true, 'a bundle that is gone');
  await bundle(root);
  put('sidecars/three/src/main.ts', 'console.log(3);');
  assert.is((await bundle(root)).length, 3, 'a program that is new');
});

test('without programs there is nothing to do', async () => {
  const empty = join(root, 'empty');
  mkdirSync(empty);
  assert.equal(await bundle(empty), []);
  assert.not(existsSync(join(empty, 'sidecars')));
});

test.run();

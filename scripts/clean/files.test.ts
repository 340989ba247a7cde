import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { findFolders, removeFolders } from './files.ts';

const root = mkdtempSync(join(tmpdir(), 'clean-test-'));
test.after(() => rmSync(root, { recursive: true }));

const made = ['.cache', 'artifacts', 'sidecars/tls/dist', 'stacks/s/services/x/dist'];
const kept = ['node_modules/p/dist', 'sidecars/tls/src', 'stacks/s/dist', 'legacy-apps/a/dist'];

test('only what can be made again is removed', async () => {
  for (const path of [...made, ...kept]) mkdirSync(join(root, path), { recursive: true });
  assert.equal(findFolders(root), made);
  await removeFolders(root, made);
  assert.equal(findFolders(root), []);
  for (const path of kept) assert.ok(existsSync(join(root, path)), path);
  await removeFolders(root, made);
});

test.run();

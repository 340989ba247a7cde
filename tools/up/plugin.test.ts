import { mkdtempSync, readFileSync, rmSync, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runCommand } from '#kit/process/command.ts';
import { main } from '../main.ts';
import { pluginText } from './plugin.ts';

const test = suite('plugin');

test('it tells docker what it is, and hands on the words after its name', async () => {
  const run = async (...args: string[]): Promise<string> =>
    (await runCommand(['sh', '-c', pluginText(['echo', "it's", 'a b']), 'docker-sidecars', ...args])).stdout.trim();
  assert.is((JSON.parse(await run('docker-cli-plugin-metadata')) as { SchemaVersion: string }).SchemaVersion, '0.1.0');
  assert.is(await run('sidecars', 'up', '--dry-run'), "it's a b up --dry-run");
});

test('it is installed for the user, and removed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'plugin-'));
  const file = join(folder, 'cli-plugins/docker-sidecars');
  const context = { folder, environment: { DOCKER_CONFIG: folder }, out: () => {}, err: () => {} };
  try {
    assert.is(await main(['plugin', 'install'], context), 0);
    assert.match(readFileSync(file, 'utf8'), /^#!\/bin\/sh\n/);
    assert.is(await main(['plugin', 'remove'], context), 0);
    assert.not.ok(existsSync(file));
    assert.is(await main(['plugin'], context), 2);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.run();

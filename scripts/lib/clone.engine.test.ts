/** Two clones on one engine. */
import { hostname, tmpdir } from 'node:os';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runCommand } from '#kit/process/command.ts';
import { claim } from './clone.ts';
import { docker } from './engine.ts';
import { findStack, stackNames } from './stacks.ts';

const test = suite('clones');

const volume = `sidecar-stacks-clone-test-${process.pid}`;
const folders = ['a', 'b', 'c'].map((name) => mkdtempSync(join(tmpdir(), `clone-${name}-`)));
const [a, b, c] = folders.map((folder) => `${hostname()}:${folder}`) as [string, string, string];

test('the first clone has the plain names, the second its own, again and again', async () => {
  const plain = { tag: 'dev', suffix: '', other: undefined };
  assert.equal(await claim(a, volume), plain);
  const second = await claim(b, volume);
  assert.match(second.tag, /^dev-[0-9a-f]{6}$/);
  assert.is(second.suffix, second.tag.slice('dev'.length));
  assert.is(second.other, folders[0]);
  assert.equal(await claim(b, volume), second);
  assert.equal(await claim(a, volume), plain);
});

test('compose by hand takes the names that setup prints', async () => {
  for (const name of stackNames()) {
    const { stdout } = await runCommand(['docker', 'compose', 'config', '--format', 'json'], {
      cwd: findStack(name).dir,
      env: { ...process.env, CLONE: '-abc123' },
      timeout: 30_000,
      maxOutput: 1_000_000,
    });
    assert.is((JSON.parse(stdout) as { name: string }).name, `sidecar-stacks-${name}-abc123`);
  }
});

test('a clone on another machine keeps its names although its folder is not here', async () => {
  await docker(['volume', 'rm', volume]);
  await claim('elsewhere:/nowhere', volume);
  assert.is((await claim(a, volume)).other, '/nowhere');
});

test('when the first is gone, the next has the plain names', async () => {
  await docker(['volume', 'rm', volume]);
  await claim(a, volume);
  rmSync(folders[0]!, { recursive: true });
  assert.is((await claim(b, volume)).tag, 'dev');
});

test('of clones that claim at once, one has the plain names', async () => {
  await docker(['volume', 'rm', volume]);
  const claims = await Promise.all([b, c].map((owner) => claim(owner, volume)));
  const tags = claims.map(({ tag }) => tag);
  assert.is(tags.filter((tag) => tag === 'dev').length, 1, tags.join());
  assert.is(new Set(tags).size, 2);
});

test.after(async () => {
  await docker(['volume', 'rm', '--force', volume]);
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

test.run();

/** What is on the disk: as much as is needed, whatever fails and however often. */
import { randomBytes } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TestRepository } from './test-repository.ts';
import { TestSidecar } from './test-sidecar.ts';

const MIB = 1024 * 1024;
/** What a directory takes, in bytes. */
const sizeOf = (path: string): number =>
  Number(execFileSync('du', ['--summarize', '--bytes', path]).toString().split('\t')[0]);

test('objects that no version needs are collected by their size, however few they are', async () => {
  const repository = new TestRepository();
  const sidecar = await TestSidecar.start({ GITSYNC_REPO: repository.url, GITSYNC_STALE_WORKTREE_TIMEOUT: '10ms' });
  for (let index = 0; index < 8; index++) await sidecar.lives(repository.commit({ data: randomBytes(2 * MIB) }));
  await sidecar.eventually('there are at most three versions of objects', () => {
    const size = sizeOf(join(sidecar.root, '.git'));
    if (size < 7 * MIB) return true;
    throw new Error(`${size} bytes`);
  });
  await sidecar.stop();
});

test('objects of submodules are collected too, and those of a submodule that is gone go', async () => {
  const lib = new TestRepository();
  lib.commit({ data: 'x' });
  const top = new TestRepository(join(dirname(lib.directory), `top-${process.pid}`));
  top.commit({ '.gitmodules': `[submodule "lib"]\n\tpath = lib\n\turl = ${lib.url}\n` });
  const sidecar = await TestSidecar.start({ GITSYNC_REPO: top.url, GITSYNC_STALE_WORKTREE_TIMEOUT: '10ms' });
  for (let index = 0; index < 6; index++) {
    const hash = lib.commit({ data: randomBytes(2 * MIB) });
    top.git('update-index', '--add', '--cacheinfo', `160000,${hash},lib`);
    top.git('commit', '--quiet', '--message=a submodule');
    await sidecar.lives(top.head());
  }
  const modules = join(sidecar.root, '.gitsync/modules');
  await sidecar.eventually('they are collected', () => sizeOf(modules) < 7 * MIB);
  top.git('rm', '--quiet', '--cached', 'lib');
  for (const file of ['one', 'two', 'three']) {
    top.git('rm', '--quiet', '--cached', '--ignore-unmatch', 'lib');
    await sidecar.lives(top.commit({ '.gitmodules': null, file }));
  }
  await sidecar.eventually('its objects are gone', () => readdirSync(modules).length === 0);
  await sidecar.stop();
  execFileSync('rm', ['-rf', top.directory]);
});

test('what the gate refused takes no room, though nothing is published after it', async () => {
  const repository = new TestRepository();
  const first = repository.commit({ data: randomBytes(2 * MIB), ok: 'yes' });
  const sidecar = await TestSidecar.start({ GITSYNC_REPO: repository.url, GITSYNC_GATE_COMMAND: 'test -e ok' });
  await sidecar.lives(first);
  for (let index = 0; index < 5; index++) {
    const bad = repository.commit({ ok: null, index: String(index) });
    await sidecar.reports('it is refused', ({ refused }) => refused?.hash === bad);
  }
  await sidecar.eventually('one version is left', () => {
    const names = readdirSync(join(sidecar.root, '.worktrees'));
    if (names.length === 1) return true;
    throw new Error(names.join(' '));
  });
  assert.is(sidecar.live, first);
  await sidecar.stop();
});

test('what could not be checked out takes no room', async () => {
  const repository = new TestRepository();
  const first = repository.commit({ data: randomBytes(MIB) });
  const sidecar = await TestSidecar.start({ GITSYNC_REPO: repository.url });
  await sidecar.lives(first);
  repository.commit({ '.gitmodules': '[submodule "x"]\n\tpath = x\n\turl = /no/such/repository\n' });
  repository.git('update-index', '--add', '--cacheinfo', `160000,${first},x`);
  repository.git('commit', '--quiet', '--message=a submodule');
  await sidecar.eventually('it has failed often', async () => ((await sidecar.version()).error?.failures ?? 0) > 3);
  await sidecar.eventually('one version is left', () => {
    const names = readdirSync(join(sidecar.root, '.worktrees'));
    if (names.length <= 2) return true;
    throw new Error(names.join(' '));
  });
  await sidecar.stop();
});

test.run();

/** What is live is what the ref names, whatever the ref is and however it moves. */
import { existsSync, lstatSync, readFileSync, readdirSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { TestRepository } from './test-repository.ts';
import { TestSidecar } from './test-sidecar.ts';

const read = (sidecar: TestSidecar, path: string): string => readFileSync(sidecar.path(path), 'utf8');

test('a branch is followed: forth, back by force, and to a history of its own', async () => {
  const repository = new TestRepository();
  const first = repository.commit({ 'index.html': 'one', 'old.txt': 'old' });
  const sidecar = await TestSidecar.start({ GITSYNC_REPO: repository.url, GITSYNC_REF: 'main' });
  await sidecar.lives(first);
  assert.is(read(sidecar, 'index.html'), 'one');
  assert.is(readlinkSync(join(sidecar.root, 'link')), `.worktrees/${first}`);

  const second = repository.commit({ 'index.html': 'two', 'old.txt': null, 'new/deep.txt': 'new' });
  await sidecar.lives(second);
  assert.equal([read(sidecar, 'index.html'), read(sidecar, 'new/deep.txt')], ['two', 'new']);
  assert.equal(
    readdirSync(sidecar.path()).toSorted(),
    ['index.html', 'new'],
    'what the commit holds, and nothing else',
  );

  repository.git('reset', '--quiet', '--hard', first);
  await sidecar.lives(first);
  assert.is(read(sidecar, 'old.txt'), 'old');

  repository.git('checkout', '--quiet', '--orphan', 'other');
  const other = repository.commit({ 'index.html': 'other' });
  repository.git('branch', '--force', 'main', other);
  await sidecar.lives(other);
  assert.is(read(sidecar, 'index.html'), 'other');
  assert.is(await sidecar.stop(), 0);
});

test('tags, annotated ones too, commits and HEAD are followed', async () => {
  const repository = new TestRepository();
  const first = repository.commit({ file: 'one' });
  repository.git('tag', 'light');
  repository.git('tag', '--annotate', '--message=a tag', 'heavy');
  repository.git('checkout', '--quiet', '-b', 'feature/main');
  const second = repository.commit({ file: 'two' });
  const cases: [string, string][] = [
    ['light', first],
    ['heavy', first],
    ['refs/tags/heavy', first],
    ['main', first],
    ['refs/heads/main', first],
    ['feature/main', second],
    ['HEAD', second],
    [first, first],
  ];
  await Promise.all(
    cases.map(async ([ref, hash]) => {
      const sidecar = await TestSidecar.start({ GITSYNC_REPO: repository.url, GITSYNC_REF: ref });
      await sidecar.lives(hash);
      await eventually(
        `${ref} is looked at again`,
        async () => (await sidecar.metric('git_sync_count_total{status="noop"}')) > 1,
      );
      assert.is(await sidecar.metric('git_sync_publications_total{reason="new"}'), 1, ref);
      assert.is(await sidecar.stop(), 0);
    }),
  );
});

test('a moved tag is followed', async () => {
  const repository = new TestRepository();
  const first = repository.commit({ file: 'one' });
  repository.git('tag', '--annotate', '--message=a tag', 'release');
  const sidecar = await TestSidecar.start({ GITSYNC_REPO: repository.url, GITSYNC_REF: 'release' });
  await sidecar.lives(first);
  const second = repository.commit({ file: 'two' });
  repository.git('tag', '--annotate', '--force', '--message=a tag', 'release');
  await sidecar.lives(second);
  await sidecar.stop();
});

test('a commit that no ref names any more is still had by its hash, with and without history', async () => {
  const repository = new TestRepository();
  const first = repository.commit({ file: 'one' });
  repository.commit({ file: 'two' });
  for (const depth of ['1', '0']) {
    const sidecar = await TestSidecar.start({ GITSYNC_REPO: repository.url, GITSYNC_REF: first, GITSYNC_DEPTH: depth });
    await sidecar.lives(first);
    await sidecar.stop();
  }
});

test('history is as deep as asked, also when it was shallow before', async () => {
  const repository = new TestRepository();
  for (const content of ['1', '2', '3', '4']) repository.commit({ file: content });
  const count = (root: string): number =>
    Number(repository.git(`--git-dir=${join(root, '.git')}`, 'rev-list', '--count', 'refs/gitsync/tip'));
  const sidecar = await TestSidecar.start({ GITSYNC_REPO: repository.url, GITSYNC_DEPTH: '2' });
  await sidecar.lives(repository.head());
  assert.is(count(sidecar.root), 2);
  await sidecar.stop();
  const hash = repository.commit({ file: '5' });
  const deep = sidecar.again({ GITSYNC_DEPTH: '0' });
  await deep.lives(hash);
  assert.is(count(deep.root), 5);
  await deep.stop();
});

test('unchanged files are shared and read-only; if one is written to, the next version is right', async () => {
  const repository = new TestRepository();
  const first = repository.commit({
    same: 'same',
    changed: 'one',
    run: { executable: '#!/bin/sh\n' },
    link: { link: 'same' },
  });
  const sidecar = await TestSidecar.start({ GITSYNC_REPO: repository.url });
  await sidecar.lives(first);
  const inode = statSync(sidecar.path('same')).ino;
  assert.is(statSync(sidecar.path('same')).mode & 0o777, 0o444);
  assert.is(statSync(sidecar.path('run')).mode & 0o777, 0o555);
  const second = repository.commit({ changed: 'two' });
  await sidecar.lives(second);
  assert.is(statSync(sidecar.path('same')).ino, inode);
  assert.is(statSync(sidecar.path('changed')).mode & 0o777, 0o444);
  assert.is(
    readFileSync(join(sidecar.root, '.worktrees', first, 'changed'), 'utf8'),
    'one',
    'the version before is untouched',
  );
  assert.ok(lstatSync(sidecar.path('link')).isSymbolicLink());
  if (process.getuid!() === 0) writeFileSync(sidecar.path('same'), 'damage by somebody who may');
  writeFileSync(sidecar.path('stray'), 'left behind by an application');
  const third = repository.commit({ changed: 'three' });
  await sidecar.lives(third);
  assert.is(read(sidecar, 'same'), 'same');
  assert.not(existsSync(sidecar.path('stray')), 'what is not in the commit is not in the version');
  await sidecar.stop();
});

test('without sharing every version is a copy of its own', async () => {
  const repository = new TestRepository();
  const first = repository.commit({ same: 'same', changed: 'one' });
  const sidecar = await TestSidecar.start({ GITSYNC_REPO: repository.url, GITSYNC_SHARE_FILES: 'false' });
  await sidecar.lives(first);
  const inode = statSync(sidecar.path('same')).ino;
  await sidecar.lives(repository.commit({ changed: 'two' }));
  assert.is.not(statSync(sidecar.path('same')).ino, inode);
  assert.is(statSync(sidecar.path('same')).mode & 0o200, 0o200);
  await sidecar.stop();
});

test('sparse: only what the patterns match, read anew for each version', async () => {
  const repository = new TestRepository();
  const patterns = join(temporaryDirectory('git-sync-sparse'), 'patterns');
  writeFileSync(patterns, '/docs/\n');
  const first = repository.commit({ 'docs/a': 'a', 'src/b': 'b', top: 't' });
  const sidecar = await TestSidecar.start({ GITSYNC_REPO: repository.url, GITSYNC_SPARSE_CHECKOUT_FILE: patterns });
  await sidecar.lives(first);
  assert.equal(readdirSync(sidecar.path()), ['docs']);
  writeFileSync(patterns, '/src/\n/top\n');
  await sidecar.lives(repository.commit({ 'docs/a': 'aa' }));
  assert.equal(readdirSync(sidecar.path()).toSorted(), ['src', 'top']);
  await sidecar.stop();
});

test('a sync is done at once on SIGHUP', async () => {
  const repository = new TestRepository();
  const sidecar = await TestSidecar.start({ GITSYNC_REPO: repository.url, GITSYNC_PERIOD: '1h' });
  await eventually(
    'there is nothing yet, and the sidecar says so',
    async () => (await sidecar.version()).error?.reason === 'ref-not-found',
  );
  assert.is((await sidecar.get('/readyz')).status, 503);
  const first = repository.commit({ file: 'one' });
  sidecar.child.kill('SIGHUP');
  await sidecar.lives(first);
  await eventually('it says that all is well', async () => (await sidecar.get('/readyz')).status === 200);
  assert.is((await sidecar.get('/startupz')).status, 200);
  const second = repository.commit({ file: 'two' });
  sidecar.child.kill('SIGHUP');
  await sidecar.lives(second);
  await sidecar.stop();
});

test.run();

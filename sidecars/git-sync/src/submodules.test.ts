/** Submodules are part of a version; what they may not do, they cannot. */
import { existsSync, lstatSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseEntries } from './repository/submodules.ts';
import { TestGitServer } from './test-git-server.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { TestRepository } from './test-repository.ts';
import { TestSidecar } from './test-sidecar.ts';

/** A repository with another in `lib`, which has a third in `deep`. */
function nested(): { top: TestRepository; lib: TestRepository } {
  const place = temporaryDirectory('git-sync-nested');
  const deep = new TestRepository(join(place, 'deep'));
  deep.commit({ file: 'deep' });
  const lib = new TestRepository(join(place, 'lib'));
  lib.commit({ file: 'lib', '.gitmodules': '[submodule "d"]\n\tpath = deep\n\turl = ../deep\n' });
  addLink(lib, 'deep', deep.head());
  const top = new TestRepository(join(place, 'top'));
  top.commit({ file: 'top', '.gitmodules': `[submodule "some name"]\n\tpath = vendor/lib\n\turl = ${lib.url}\n` });
  addLink(top, 'vendor/lib', lib.head());
  return { top, lib };
}

/** Put a commit of another repository into the index: what `git submodule add` comes to. */
function addLink(repository: TestRepository, path: string, hash: string): void {
  repository.git('update-index', '--add', '--cacheinfo', `160000,${hash},${path}`);
  repository.git('commit', '--quiet', '--message=a submodule');
}

test('submodules of submodules are there, of the right commits, and follow', async () => {
  const { top, lib } = nested();
  const sidecar = await TestSidecar.start({ GITSYNC_REPO: top.url });
  await sidecar.lives(top.head());
  assert.is(readFileSync(sidecar.path('vendor/lib/file'), 'utf8'), 'lib');
  assert.is(readFileSync(sidecar.path('vendor/lib/deep/file'), 'utf8'), 'deep');
  lib.git('checkout', '--quiet', '-b', 'work');
  lib.git('rm', '--quiet', '--cached', 'deep');
  writeFileSync(join(lib.directory, 'file'), 'lib, changed');
  lib.git('commit', '--quiet', '--all', '--message=changed');
  addLink(top, 'vendor/lib', lib.head());
  await sidecar.lives(top.head());
  assert.is(readFileSync(sidecar.path('vendor/lib/file'), 'utf8'), 'lib, changed');
  assert.not(existsSync(sidecar.path('vendor/lib/deep')));
  await sidecar.stop();
});

test('as many levels as asked', async () => {
  const { top } = nested();
  const shallow = await TestSidecar.start({ GITSYNC_REPO: top.url, GITSYNC_SUBMODULES: 'shallow' });
  await shallow.lives(top.head());
  assert.ok(existsSync(shallow.path('vendor/lib/file')));
  assert.equal(readdirSync(shallow.path('vendor/lib/deep')), []);
  await shallow.stop();
  const off = await TestSidecar.start({ GITSYNC_REPO: top.url, GITSYNC_SUBMODULES: 'off' });
  await off.lives(top.head());
  assert.equal(readdirSync(off.path('vendor/lib')), []);
  await off.stop();
});

test('a version without submodules has none of those that the version before had', async () => {
  const { top, lib } = nested();
  const sidecar = await TestSidecar.start({ GITSYNC_REPO: top.url });
  await sidecar.lives(top.head());
  await sidecar.stop();
  top.commit({ file: 'changed' });
  addLink(top, 'vendor/lib', lib.head());
  const off = sidecar.again({ GITSYNC_SUBMODULES: 'off' });
  await off.lives(top.head());
  assert.equal(readdirSync(off.path('vendor/lib')), []);
  await off.stop();
});

test('an address that is not allowed is an error that names the submodule; what is live stays', async () => {
  const repository = new TestRepository();
  const good = repository.commit({ file: 'one' });
  const sidecar = await TestSidecar.start({ GITSYNC_REPO: repository.url });
  await sidecar.lives(good);
  for (const url of [
    'ext::sh -c touch% /tmp/pwned',
    '--upload-pack=/tmp/pwned',
    'https://user:secret@host.example/x',
  ]) {
    // In one commit with the link: a look between two would publish the first.
    writeFileSync(join(repository.directory, '.gitmodules'), `[submodule "x"]\n\tpath = x\n\turl = ${url}\n`);
    repository.git('add', '.gitmodules');
    addLink(repository, 'x', good);
    const { error } = await sidecar.reports(url, (report) => report.error?.reason === 'submodule');
    assert.match(error!.error, /^the url of the submodule x /);
    assert.not.match(error!.error, /secret|pwned/);
    assert.is(sidecar.live, good);
    repository.git('reset', '--quiet', '--hard', good);
    await sidecar.reports('the ref is back', (report) => report.error === undefined);
  }
  await sidecar.stop();
  assert.not(existsSync('/tmp/pwned'));
});

test('a repository from elsewhere cannot reach into this machine’s disk', async () => {
  const { top, lib } = nested();
  assert.ok(lib.url.startsWith('file://'));
  const server = new TestGitServer(dirname(top.directory));
  const port = await server.listen();
  const sidecar = await TestSidecar.start({ GITSYNC_REPO: `http://127.0.0.1:${port}/${basename(top.directory)}/.git` });
  const { error } = await sidecar.reports('it is refused', (report) => report.error?.reason === 'submodule');
  assert.match(error!.error, /is a path on this machine/);
  await sidecar.stop();
  server.close();
});

test('links in a repository are content: nothing is written through them', async () => {
  const outside = temporaryDirectory('git-sync-outside');
  const repository = new TestRepository();
  const first = repository.commit({ dir: { link: outside }, passwd: { link: '/etc/passwd' } });
  const sidecar = await TestSidecar.start({ GITSYNC_REPO: repository.url });
  await sidecar.lives(first);
  assert.ok(lstatSync(sidecar.path('dir')).isSymbolicLink());
  const second = repository.commit({ dir: null, passwd: null, 'dir/file': 'inside', 'passwd/file': 'inside' });
  await sidecar.lives(second);
  assert.equal(readdirSync(outside), []);
  assert.ok(lstatSync(sidecar.path('dir')).isDirectory());
  const third = repository.commit({ dir: { link: outside } });
  await sidecar.lives(third);
  assert.equal(readdirSync(outside), []);
  await sidecar.stop();
});

test('entries of an index are read', () => {
  const text = `100644 ${'a'.repeat(40)} 0\ta b\tc\nd\u0000160000 ${'b'.repeat(40)} 0\tsub\0`;
  assert.equal(parseEntries(text), [
    { mode: '100644', hash: 'a'.repeat(40), path: 'a b\tc\nd' },
    { mode: '160000', hash: 'b'.repeat(40), path: 'sub' },
  ]);
  assert.equal(parseEntries('\0nonsense\0'), []);
});

test.run();

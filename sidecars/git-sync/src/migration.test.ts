/** What is served stays served: by kubernetes/git-sync v4 before us, by other parameters, at another link. */
import { spawn } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { TestRepository } from './test-repository.ts';
import { synced, TestSidecar } from './test-sidecar.ts';

/** A root as kubernetes/git-sync v4 leaves it: a repository with linked worktrees, and a link to one. */
function rootOfV4(repository: TestRepository): string {
  const root = new TestRepository(join(temporaryDirectory('git-sync-v4'), 'git'));
  root.git('-c', 'protocol.file.allow=always', 'fetch', '--quiet', '--depth=1', repository.url, 'main');
  const hash = repository.head();
  root.git('worktree', 'add', '--quiet', '--detach', `.worktrees/${hash}`, hash);
  symlinkSync(`.worktrees/${hash}`, join(root.directory, 'link'));
  return root.directory;
}

/** Read a file through the link without pause: what was read, and how often it could not be. */
async function reader(root: string): Promise<() => Promise<{ seen: string[]; missing: number }>> {
  const script = `const fs = require('fs'); const seen = new Set(); let missing = 0, stop = false;
process.stdin.on('data', () => (stop = true));
const look = () => { for (let i = 0; i < 50; i++) try { seen.add(fs.readFileSync(process.argv[1], 'utf8')); } catch { missing++; }
  if (stop) { console.log(JSON.stringify({ seen: [...seen], missing })); process.exit(); } setImmediate(look); };
look(); console.error('begun');`;
  const child = spawn(process.execPath, ['-e', script, join(root, 'link/file')], { stdio: ['pipe', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += String(chunk)));
  await new Promise((resolve) => child.stderr.once('data', resolve));
  return async () => {
    child.stdin.write('stop');
    await new Promise((resolve) => child.once('close', resolve));
    return JSON.parse(output) as { seen: string[]; missing: number };
  };
}

for (const moved of [false, true]) {
  test(`content of git-sync v4 is served until there is ${moved ? 'a new commit' : 'a version of the same commit'}`, async () => {
    const repository = new TestRepository();
    const hash = repository.commit({ file: 'one' });
    const root = rootOfV4(repository);
    const stop = await reader(root);
    const unreachable = await TestSidecar.start({ GITSYNC_REPO: `${repository.url}-away`, GITSYNC_REF: 'main' }, root);
    await unreachable.reports('it has failed', ({ error }) => error !== undefined);
    assert.is(readFileSync(join(root, 'link/file'), 'utf8'), 'one');
    await unreachable.stop();
    const last = moved ? repository.commit({ file: 'two' }) : hash;
    const sidecar = await TestSidecar.start({ GITSYNC_REPO: repository.url, GITSYNC_REF: 'main' }, root);
    await sidecar.reports('it is live', (report) => report.hash === last);
    const { seen, missing } = await stop();
    assert.equal(seen.toSorted(), moved ? ['one', 'two'] : ['one']);
    assert.is(missing, 0, 'reads that found nothing');
    assert.not(existsSync(sidecar.path('.git')), 'a version of ours');
    await sidecar.stop();
  });
}

test('other parameters take effect at the next start, while the version before is served', async () => {
  const patterns = join(temporaryDirectory('git-sync-sparse'), 'patterns');
  writeFileSync(patterns, '/file\n');
  const { sidecar, repository, hash } = await synced();
  assert.ok(existsSync(sidecar.path('big')));
  const stop = await reader(sidecar.root);
  await sidecar.stop();
  const sparse = sidecar.again({ GITSYNC_SPARSE_CHECKOUT_FILE: patterns });
  await sparse.eventually('only what was asked for is there', () => !existsSync(sparse.path('big')));
  assert.is(sparse.live, hash);
  assert.is(await sparse.metric('git_sync_publications_total{reason="new"}'), 1, 'the application is told');
  writeFileSync(patterns, '/*\n');
  await sparse.eventually('the patterns are read again', () => existsSync(sparse.path('big')));
  await sparse.stop();
  const gated = sparse.again({ GITSYNC_GATE_COMMAND: 'touch gated' });
  await gated.eventually('the gate ran', () => existsSync(gated.path('gated')));
  const next = repository.commit({ file: 'two' });
  await gated.lives(next);
  assert.ok(existsSync(gated.path('gated')));
  const { seen, missing } = await stop();
  assert.equal(seen.toSorted(), ['one', 'two']);
  assert.is(missing, 0, 'reads that found nothing');
  await gated.stop();
});

test('a stricter gate judges what is live, and refuses it without taking it away', async () => {
  const { sidecar, hash, repository } = await synced({ GITSYNC_GATE_COMMAND: 'true' });
  await sidecar.stop();
  const strict = sidecar.again({ GITSYNC_GATE_COMMAND: 'sh -c "echo too old; exit 1"' });
  const { refused } = await strict.reports('it is refused', (report) => report.refused !== undefined);
  assert.equal([refused?.hash, refused?.by], [hash, 'gate']);
  assert.match(refused!.reason, 'too old');
  assert.is(strict.live, hash);
  assert.is(readFileSync(strict.path('file'), 'utf8'), 'one');
  const ran = await strict.metric('git_sync_gate_total{result="refused"}');
  const looks = await strict.metric('git_sync_count_total{status="refused"}');
  await strict.eventually(
    'it looks again',
    async () => (await strict.metric('git_sync_count_total{status="refused"}')) > looks + 1,
  );
  assert.is(await strict.metric('git_sync_gate_total{result="refused"}'), ran, 'and does not judge it again');
  await strict.stop();
  const lenient = strict.again({ GITSYNC_GATE_COMMAND: 'true' });
  await lenient.reports('it is fine again', (report) => report.refused === undefined);
  const next = repository.commit({ file: 'two' });
  await lenient.lives(next);
  await lenient.stop();
});

test('killed while a version is made anew, it is served as before and made again', async () => {
  const { sidecar, hash } = await synced();
  await sidecar.stop();
  const hanging = sidecar.again({ GITSYNC_GATE_COMMAND: 'sleep 600' });
  const places = (): string[] => readdirSync(join(sidecar.root, '.worktrees/.again'));
  await hanging.eventually('the gate runs', () => places().length > 0);
  await hanging.stop('SIGKILL');
  assert.is(readFileSync(sidecar.path('file'), 'utf8'), 'one');
  const after = hanging.again({ GITSYNC_GATE_COMMAND: 'touch gated' });
  await after.eventually('it is made again', () => existsSync(after.path('gated')));
  assert.is(after.live, hash);
  await after.stop();
});

test('a former link does not stay behind to lead nowhere', async () => {
  const { sidecar, hash } = await synced();
  await sidecar.stop();
  const other = sidecar.again({ GITSYNC_LINK: 'elsewhere/site' });
  await other.reports('it is live', (report) => report.hash === hash);
  assert.is(readFileSync(join(sidecar.root, 'elsewhere/site/file'), 'utf8'), 'one');
  assert.is(lstatSync(join(sidecar.root, 'link'), { throwIfNoEntry: false }), undefined);
  await other.stop();
});

test('what somebody else put at the former link stays', async () => {
  const { sidecar, hash } = await synced();
  await sidecar.stop();
  const other = sidecar.again({ GITSYNC_LINK: 'site' });
  await other.reports('it is live', (report) => report.hash === hash);
  await other.stop();
  const link = join(sidecar.root, 'link');
  mkdirSync(link);
  const third = other.again({ GITSYNC_LINK: 'link-2' });
  await third.reports('it is live', (report) => report.hash === hash);
  assert.ok(existsSync(link));
  await third.stop();
});

test.run();

/** What is on the disk: half-made, damaged, outlived, or not to be trusted. */
import {
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { TestRepository } from './test-repository.ts';
import { synced, TestSidecar } from './test-sidecar.ts';

test('half-made versions, strays and stale locks are no obstacle', async () => {
  const { repository, sidecar, hash } = await synced();
  await sidecar.stop('SIGKILL');
  const next = repository.commit({ file: 'two' });
  const half = join(sidecar.root, '.worktrees', next);
  mkdirSync(half);
  writeFileSync(join(half, 'file'), 'half');
  mkdirSync(join(sidecar.root, '.worktrees/stray'));
  writeFileSync(join(sidecar.root, '.git/shallow.lock'), '');
  mkdirSync(join(sidecar.root, '.git/refs/gitsync'), { recursive: true });
  writeFileSync(join(sidecar.root, '.git/refs/gitsync/tip.lock'), '');
  mkdirSync(join(sidecar.root, '.gitsync/versions', next), { recursive: true });
  writeFileSync(join(sidecar.root, '.gitsync/versions', next, 'index.lock'), '');
  symlinkSync('nowhere', join(sidecar.root, '.link.publishing'));
  const second = sidecar.again();
  await second.lives(next);
  assert.is(readFileSync(second.path('file'), 'utf8'), 'two');
  await eventually(
    'the strays are gone',
    () => readdirSync(join(second.root, '.worktrees')).toSorted().join() === [hash, next].toSorted().join(),
  );
  assert.is(await second.metric('git_sync_recoveries_total{what="version"}'), 1);
  await second.stop();
});

test('damaged objects are fetched anew while the version before is served', async () => {
  const { repository, sidecar, hash } = await synced();
  await sidecar.stop();
  for (const file of globSync('.git/objects/??/*', { cwd: sidecar.root }).concat(
    globSync('.git/objects/pack/*.pack', { cwd: sidecar.root }),
  )) {
    rmSync(join(sidecar.root, file), { force: true });
    writeFileSync(join(sidecar.root, file), 'garbage');
  }
  const next = repository.commit({ file: 'two' });
  const second = sidecar.again({ GITSYNC_SHARE_FILES: 'false' });
  assert.is(second.live, hash);
  await second.lives(next);
  assert.is(readFileSync(second.path('big'), 'utf8').length, 10_000);
  await second.stop();
});

test('a damaged index is not taken over', async () => {
  const { repository, sidecar, hash } = await synced();
  writeFileSync(join(sidecar.root, '.gitsync/versions', hash, 'index'), 'garbage');
  const next = repository.commit({ file: 'two' });
  await sidecar.lives(next);
  assert.is(readFileSync(sidecar.path('file'), 'utf8'), 'two');
  await sidecar.stop();
});

test('a damaged state is begun anew, and what is live stays', async () => {
  const { sidecar, hash } = await synced();
  await sidecar.stop('SIGKILL');
  writeFileSync(join(sidecar.root, '.gitsync/state.json'), '{"notified":');
  const second = sidecar.again();
  await eventually('it looked', async () => (await second.metric('git_sync_count_total{status="noop"}')) > 0);
  assert.is(second.live, hash);
  assert.is(await second.metric('git_sync_recoveries_total{what="state"}'), 1);
  await second.stop();
});

test('old versions go after their time; live, previous and their files stay', async () => {
  const repository = new TestRepository();
  const sidecar = await TestSidecar.start({ GITSYNC_REPO: repository.url, GITSYNC_STALE_WORKTREE_TIMEOUT: '500ms' });
  const hashes: string[] = [];
  for (const content of ['1', '2', '3', '4']) {
    hashes.push(repository.commit({ file: content }));
    await sidecar.lives(hashes.at(-1)!);
  }
  const versions = (): string[] => readdirSync(join(sidecar.root, '.worktrees')).toSorted();
  await eventually('two are left', () => versions().join() === hashes.slice(-2).toSorted().join());
  assert.equal(readdirSync(join(sidecar.root, '.gitsync/versions')).toSorted(), hashes.slice(-2).toSorted());
  assert.ok(statSync(dirname(sidecar.path('file'))).isDirectory());
  await eventually(
    'they are on the disk for good',
    () =>
      (
        JSON.parse(readFileSync(join(sidecar.root, '.gitsync/versions', hashes.at(-1)!, 'record.json'), 'utf8')) as {
          durable: boolean;
        }
      ).durable,
  );
  assert.not(
    existsSync(join(sidecar.root, '.git/refs/heads')) && readdirSync(join(sidecar.root, '.git/refs/heads')).length > 0,
  );
  await sidecar.stop();
});

test('after a start of the machine only what was on the disk is trusted', async () => {
  const { sidecar, hash } = await synced();
  await sidecar.stop('SIGKILL');
  const record = join(sidecar.root, '.gitsync/versions', hash, 'record.json');
  const written = JSON.parse(readFileSync(record, 'utf8')) as object;
  writeFileSync(record, JSON.stringify({ ...written, boot: 'another', durable: false }));
  writeFileSync(join(sidecar.root, '.worktrees', hash, 'made-by-nobody'), '');
  const second = sidecar.again();
  const recovered = 'git_sync_recoveries_total{what="version"}';
  await eventually('it is thrown away', async () => (await second.metric(recovered)) === 1);
  await eventually('it is made again', () => existsSync(second.path('file')));
  assert.not(existsSync(second.path('made-by-nobody')));
  await eventually('its record is there', () => existsSync(record));
  await second.stop('SIGKILL');
  writeFileSync(
    record,
    JSON.stringify({ ...(JSON.parse(readFileSync(record, 'utf8')) as object), boot: 'another', durable: true }),
  );
  const third = second.again();
  await eventually('it looked', async () => (await third.metric('git_sync_count_total{status="noop"}')) > 0);
  assert.is(await third.metric(recovered), 0);
  await third.stop();
});

test.run();

/** A start makes good whatever an earlier life, a disk or a person left. */
import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { globSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readProcess } from '../../kit/processes.ts';
import { eventually } from './test-poll.ts';
import { temporaryDirectory, TestRepository } from './test-repository.ts';
import { TestSidecar } from './test-sidecar.ts';

async function synced(
  env: Record<string, string> = {},
): Promise<{ repository: TestRepository; sidecar: TestSidecar; hash: string }> {
  const repository = new TestRepository();
  const hash = repository.commit({ file: 'one', big: 'x'.repeat(10_000) });
  const sidecar = await TestSidecar.start({ GITSYNC_REPO: repository.url, GITSYNC_REF: 'main', ...env });
  await sidecar.lives(hash);
  return { repository, sidecar, hash };
}

test('a missing link, and one that leads elsewhere, is put right while it runs', async () => {
  const { sidecar, hash } = await synced();
  const link = join(sidecar.root, 'link');
  rmSync(link);
  await sidecar.lives(hash);
  rmSync(link);
  symlinkSync('/etc', link);
  await sidecar.lives(hash);
  await eventually(
    'both are counted',
    async () => (await sidecar.metric('git_sync_publications_total{reason="repair"}')) === 2,
  );
  assert.is(
    await sidecar.metric('git_sync_fetch_count_total'),
    1,
    `nothing had to be fetched for it: ${sidecar.output}`,
  );
  await sidecar.stop();
});

test('the link is put right without the server', async () => {
  const { repository, sidecar, hash } = await synced();
  renameSync(repository.directory, `${repository.directory}-away`);
  await eventually('the server is gone', async () => (await sidecar.version()).error !== undefined);
  rmSync(join(sidecar.root, 'link'));
  await sidecar.lives(hash);
  renameSync(`${repository.directory}-away`, repository.directory);
  await sidecar.stop();
});

test('a version that was removed by hand is made again', async () => {
  const { sidecar, hash } = await synced();
  rmSync(join(sidecar.root, '.worktrees', hash), { recursive: true });
  await eventually('it is back', () => readFileSync(sidecar.path('file'), 'utf8') === 'one');
  await sidecar.stop();
});

test('a version that was lost is judged anew before anybody sees it', async () => {
  const repository = new TestRepository();
  const seen = join(temporaryDirectory('gate'), 'seen');
  const gate = `#!/bin/sh\nls -d ../../link/gate >> ${seen} 2> /dev/null\ntouch judged\n`;
  const hash = repository.commit({ gate: { executable: gate } });
  const sidecar = await TestSidecar.start({ GITSYNC_REPO: repository.url, GITSYNC_GATE_COMMAND: './gate' });
  await sidecar.lives(hash);
  rmSync(join(sidecar.root, '.worktrees', hash), { recursive: true });
  await eventually('it is back', () => existsSync(sidecar.path('judged')));
  assert.is(readFileSync(seen, 'utf8'), '', 'while it was judged no link led to it');
  await sidecar.stop();
});

test('half-made versions, strays and stale locks are no obstacle', async () => {
  const { repository, sidecar, hash } = await synced();
  await sidecar.kill();
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
  await sidecar.kill();
  writeFileSync(join(sidecar.root, '.gitsync/state.json'), '{"notified":');
  const second = sidecar.again();
  await eventually('it looked', async () => (await second.metric('git_sync_count_total{status="noop"}')) > 0);
  assert.is(second.live, hash);
  assert.is(await second.metric('git_sync_recoveries_total{what="state"}'), 1);
  await second.stop();
});

test('another repository takes the place of the first without a gap', async () => {
  const { sidecar, hash } = await synced();
  await sidecar.stop();
  const gone = sidecar.again({ GITSYNC_REPO: `file://${temporaryDirectory('empty')}/nothing` });
  await eventually('it cannot be had', async () => (await gone.version()).error?.reason === 'repository-not-found');
  assert.is(gone.live, hash);
  assert.is((await gone.get('/startupz')).status, 200, 'there is a version to start with');
  assert.is((await gone.get('/readyz')).status, 503);
  await gone.stop();
  const other = new TestRepository();
  const theirs = other.commit({ file: 'of another' });
  const second = gone.again({ GITSYNC_REPO: other.url });
  await second.lives(theirs);
  assert.is(readFileSync(second.path('file'), 'utf8'), 'of another');
  assert.is((await second.get('/readyz')).status, 200);
  await second.stop();
});

test('a file in place of the root, and of the link, is a clear error', async () => {
  const repository = new TestRepository();
  repository.commit({ file: 'one' });
  const root = join(temporaryDirectory('root'), 'git');
  writeFileSync(root, 'precious');
  const sidecar = await TestSidecar.start({ GITSYNC_REPO: repository.url }, root);
  assert.is(await sidecar.ended(), 64);
  assert.match(sidecar.output, /^git-sync: GITSYNC_ROOT: .*\/git is a file; accepted is a directory/m);
  assert.is(readFileSync(root, 'utf8'), 'precious');

  rmSync(root);
  mkdirSync(root);
  writeFileSync(join(root, 'link'), 'precious');
  const second = await TestSidecar.start({ GITSYNC_REPO: repository.url }, root);
  const { error } = await second.reports('it says what is in the way', (report) => report.error?.reason === 'link');
  assert.match(error!.error, /link is a file that this sidecar did not make/);
  assert.is(readFileSync(join(root, 'link'), 'utf8'), 'precious');
  rmSync(join(root, 'link'));
  await second.lives(repository.head());
  await second.stop();
});

test('processes of a killed sidecar are ended by the next', async () => {
  const repository = new TestRepository();
  const pids = join(temporaryDirectory('gate'), 'pids');
  repository.commit({ gate: { executable: `#!/bin/sh\necho $$ > ${pids}\nexec sleep 600\n` } });
  const sidecar = await TestSidecar.start({
    GITSYNC_REPO: repository.url,
    GITSYNC_GATE_COMMAND: './gate',
    GITSYNC_GATE_TIMEOUT: '10m',
  });
  const pid = await eventually('the gate runs', () => existsSync(pids) && readFileSync(pids, 'utf8').trim());
  await sidecar.kill();
  assert.ok(existsSync(`/proc/${pid}`), 'it outlived the sidecar');
  const bystander = spawn('sleep', ['60'], { stdio: 'ignore' });
  bystander.unref();
  const second = sidecar.again({ GITSYNC_GATE_COMMAND: 'true' });
  await second.lives(repository.head());
  const { state } = readProcess(Number(pid)) ?? { state: 'Z' };
  assert.is(state, 'Z', 'gone, but for whoever has to reap it');
  assert.is(bystander.exitCode, null);
  bystander.kill();
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
  await sidecar.kill();
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
  await second.kill();
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

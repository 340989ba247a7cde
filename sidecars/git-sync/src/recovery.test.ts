/** Whatever a person or an earlier run left is put in order. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readProcess } from '#kit/process/processes.ts';
import { eventually } from '#kit/testing/eventually.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { TestRepository } from './test-repository.ts';
import { synced, TestSidecar } from './test-sidecar.ts';

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
  const seen = join(temporaryDirectory('git-sync-gate'), 'seen');
  const gate = `#!/bin/sh\nls -d ../../link/gate >> ${seen} 2> /dev/null\ntouch judged\n`;
  const hash = repository.commit({ gate: { executable: gate } });
  const sidecar = await TestSidecar.start({ GITSYNC_REPO: repository.url, GITSYNC_GATE_COMMAND: './gate' });
  await sidecar.lives(hash);
  rmSync(join(sidecar.root, '.worktrees', hash), { recursive: true });
  await eventually('it is back', () => existsSync(sidecar.path('judged')));
  assert.is(readFileSync(seen, 'utf8'), '', 'while it was judged no link led to it');
  await sidecar.stop();
});

test('another repository takes the place of the first without a gap', async () => {
  const { sidecar, hash } = await synced();
  await sidecar.stop();
  const gone = sidecar.again({ GITSYNC_REPO: `file://${temporaryDirectory('git-sync-empty')}/nothing` });
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
  const root = join(temporaryDirectory('git-sync-root'), 'git');
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
  const pids = join(temporaryDirectory('git-sync-gate'), 'pids');
  repository.commit({ gate: { executable: `#!/bin/sh\necho $$ > ${pids}\nexec sleep 600\n` } });
  const sidecar = await TestSidecar.start({
    GITSYNC_REPO: repository.url,
    GITSYNC_GATE_COMMAND: './gate',
    GITSYNC_GATE_TIMEOUT: '10m',
  });
  const pid = await eventually('the gate runs', () => existsSync(pids) && readFileSync(pids, 'utf8').trim());
  await sidecar.stop('SIGKILL');
  assert.ok(existsSync(`/proc/${pid}`), 'it outlived the sidecar');
  const bystander = spawn('sleep', ['60'], { stdio: 'ignore' });
  bystander.unref();
  const second = sidecar.again({ GITSYNC_GATE_COMMAND: 'true' });
  await second.lives(repository.head());
  const { state } = readProcess(Number(pid)) ?? { state: 'Z' };
  assert.is(state, 'Z', 'ended, and not yet reaped');
  assert.is(bystander.exitCode, null);
  bystander.kill();
  await second.stop();
});

test.run();

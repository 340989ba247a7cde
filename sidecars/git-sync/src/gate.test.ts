/** The gate decides what goes live, and nothing gets past it. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { TestRepository } from './test-repository.ts';
import { hasEnded, TestSidecar } from './test-sidecar.ts';

/** Counts its runs beside the versions, prepares something, and asks the version what to do. */
const gate = (log: string): { executable: string } => ({
  executable: `#!/bin/sh
echo "$GITSYNC_HASH" >> ${log}
mkdir built && echo "of $GITSYNC_HASH for $GITSYNC_REF" > built/result
exec sh ./verdict
`,
});

const log = (): string => join(temporaryDirectory('git-sync-gate'), 'log');
const runs = (file: string): string[] => readFileSync(file, 'utf8').trim().split('\n');

test('what the gate refuses is never live, is not judged again, and the next commit is', async () => {
  const repository = new TestRepository();
  const file = log();
  const first = repository.commit({ gate: gate(file), verdict: 'exit 0', file: 'one' });
  const sidecar = await TestSidecar.start({
    GITSYNC_REPO: repository.url,
    GITSYNC_GATE_COMMAND: './gate',
    GITSYNC_ERROR_FILE: 'error.json',
  });
  await sidecar.lives(first);
  assert.is(
    readFileSync(sidecar.path('built/result'), 'utf8'),
    `of ${first} for HEAD\n`,
    'what the gate made is part of the version',
  );

  const bad = repository.commit({ verdict: 'echo the test of x failed >&2; exit 3' });
  const report = await sidecar.reports('the commit is refused', ({ refused }) => refused?.hash === bad);
  assert.is(report.refused?.by, 'gate');
  assert.match(report.refused!.reason, /exited with 3.*the test of x failed/s);
  assert.is(sidecar.live, first);
  const error = await eventually(
    'the error file says so',
    () => JSON.parse(readFileSync(join(sidecar.root, 'error.json'), 'utf8')) as Record<string, unknown>,
  );
  assert.is(error['reason'], 'gate');
  assert.match(String(error['advice']), /push a commit that passes/);
  const refused = 'git_sync_count_total{status="refused"}';
  const count = await sidecar.metric(refused);
  await eventually('it is looked at more often', async () => (await sidecar.metric(refused)) > count + 2);
  assert.equal(runs(file), [first, bad], 'judged once');
  assert.is((await sidecar.get('/readyz')).status, 200, 'the sidecar does its job');
  assert.is(await sidecar.metric('git_sync_refused'), 1);

  const good = repository.commit({ verdict: 'exit 0' });
  await sidecar.lives(good);
  await eventually('the error is gone', () => !existsSync(join(sidecar.root, 'error.json')));
  assert.is((await sidecar.version()).refused, undefined);
  await sidecar.stop();
});

test('a refusal outlives a restart, but not another gate or a moved ref', async () => {
  const repository = new TestRepository();
  const file = log();
  const first = repository.commit({ gate: gate(file), verdict: 'exit 0' });
  const sidecar = await TestSidecar.start({
    GITSYNC_REPO: repository.url,
    GITSYNC_REF: 'main',
    GITSYNC_GATE_COMMAND: './gate',
  });
  await sidecar.lives(first);
  const bad = repository.commit({ verdict: 'exit 1' });
  await sidecar.reports('the commit is refused', ({ refused }) => refused?.hash === bad);
  await sidecar.stop('SIGKILL');

  const second = sidecar.again();
  await second.reports(
    'it is still refused',
    ({ refused, error }) => refused?.hash === bad && error?.reason === 'gate',
  );
  assert.equal(runs(file), [first, bad]);
  repository.git('reset', '--quiet', '--hard', first);
  await second.reports('the ref moved back', ({ refused }) => refused === undefined);
  repository.git('reset', '--quiet', '--hard', bad);
  await second.reports('it is judged anew', ({ refused }) => refused?.hash === bad);
  assert.equal(runs(file), [first, bad, bad]);
  await second.stop();

  const third = second.again({ GITSYNC_GATE_COMMAND: 'true' });
  await third.lives(bad);
  await third.stop();
});

test('a gate that takes too long is ended with all that it started', async () => {
  const repository = new TestRepository();
  const first = repository.commit({
    gate: { executable: '#!/bin/sh\nexec ./verdict\n' },
    verdict: { executable: '#!/bin/sh\n' },
  });
  const sidecar = await TestSidecar.start({
    GITSYNC_REPO: repository.url,
    GITSYNC_GATE_COMMAND: './gate',
    GITSYNC_GATE_TIMEOUT: '3s',
  });
  await sidecar.lives(first);
  const pids = join(temporaryDirectory('git-sync-gate'), 'pids');
  const slow = repository.commit({ verdict: { executable: `#!/bin/sh\nsleep 600 & echo $! > ${pids}\nwait\n` } });
  const { refused } = await sidecar.reports('the slow commit is refused', (report) => report.refused?.hash === slow);
  assert.match(refused!.reason, /was ended after \d+(?:\.\d)? s/);
  const pid = readFileSync(pids, 'utf8').trim();
  await eventually('its child is gone', () => hasEnded(pid));
  assert.is(sidecar.live, first);
  await sidecar.stop();
});

test('the gate gets few variables, no secret, and can neither remove nor replace its version', async () => {
  const repository = new TestRepository();
  const dump = join(temporaryDirectory('git-sync-gate'), 'env');
  const first = repository.commit({ gate: { executable: `#!/bin/sh\nenv > ${dump}\n` } });
  const sidecar = await TestSidecar.start({
    GITSYNC_REPO: repository.url,
    GITSYNC_GATE_COMMAND: './gate',
    GITSYNC_GATE_ENV: 'BUILD_CACHE',
    BUILD_CACHE: '/cache',
    SOMETHING_ELSE: 'hidden',
  });
  await sidecar.lives(first);
  const names = readFileSync(dump, 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split('=', 1)[0]!);
  const shells = ['PWD', 'OLDPWD', 'SHLVL', '_'];
  assert.equal(names.filter((name) => !shells.includes(name)).toSorted(), [
    'BUILD_CACHE',
    'GITSYNC_CHILD',
    'GITSYNC_HASH',
    'GITSYNC_REF',
    'HOME',
    'LANG',
    'PATH',
  ]);
  const vandal = repository.commit({ gate: { executable: '#!/bin/sh\ncd / && rm -rf "$OLDPWD"\n' } });
  const { refused } = await sidecar.reports('the vandal is refused', (report) => report.refused?.hash === vandal);
  assert.match(refused!.reason, /removed the directory/);
  assert.is(sidecar.live, first);
  await sidecar.stop();
});

test('killed while the gate judges, it has it judged anew', async () => {
  const repository = new TestRepository();
  const place = temporaryDirectory('git-sync-gate');
  const script = `#!/bin/sh\necho begun >> ${place}/log\nuntil test -e ${place}/go; do sleep 0.05; done\ntouch judged\n`;
  const hash = repository.commit({ gate: { executable: script } });
  const sidecar = await TestSidecar.start({ GITSYNC_REPO: repository.url, GITSYNC_GATE_COMMAND: './gate' });
  await eventually('the gate runs', () => runs(join(place, 'log')).length === 1);
  await sidecar.stop('SIGKILL');
  const second = sidecar.again();
  await eventually('it runs again', () => runs(join(place, 'log')).length === 2);
  assert.not(existsSync(second.path()), 'nothing is live before it has said yes');
  writeFileSync(join(place, 'go'), '');
  await second.lives(hash);
  assert.ok(existsSync(second.path('judged')));
  await second.stop();
});

test('a gate that cannot be run refuses', async () => {
  const repository = new TestRepository();
  const hash = repository.commit({ file: 'one' });
  const sidecar = await TestSidecar.start({ GITSYNC_REPO: repository.url, GITSYNC_GATE_COMMAND: '/no/such/gate' });
  const { refused } = await sidecar.reports('it is refused', (report) => report.refused?.hash === hash);
  assert.match(refused!.reason, /could not be started: ENOENT/);
  assert.not(existsSync(join(sidecar.root, 'link')));
  assert.is((await sidecar.get('/startupz')).status, 503);
  await sidecar.stop();
});

test.run();

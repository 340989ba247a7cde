/** One step back, when somebody asks for it; and what is said of refusals. */
import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { synced } from './test-sidecar.ts';

test('SIGUSR2 publishes the version before, and refuses the other until the ref moves', async () => {
  const { sidecar, repository, hash } = await synced();
  const second = repository.commit({ file: 'two' });
  await sidecar.lives(second);
  sidecar.child.kill('SIGUSR2');
  await sidecar.lives(hash);
  const { refused } = await sidecar.version();
  assert.equal([refused?.hash, refused?.by], [second, 'operator']);
  const looks = await sidecar.metric('git_sync_count_total{status="refused"}');
  await sidecar.eventually(
    'it looks again',
    async () => (await sidecar.metric('git_sync_count_total{status="refused"}')) > looks + 1,
  );
  assert.is(sidecar.live, hash);
  assert.is(readFileSync(sidecar.path('file'), 'utf8'), 'one');
  await sidecar.stop();
  const again = sidecar.again();
  await again.eventually(
    'it has looked',
    async () => (await again.metric('git_sync_count_total{status="refused"}')) > 0,
  );
  assert.is(again.live, hash, 'after a restart too');
  const third = repository.commit({ file: 'three' });
  await again.lives(third);
  assert.is((await again.version()).refused, undefined);
  await again.stop();
});

test('with nothing to go back to, nothing happens', async () => {
  const { sidecar, hash } = await synced();
  sidecar.child.kill('SIGUSR2');
  await sidecar.eventually('it says so', () => /there is no version to go back to/.test(sidecar.output));
  assert.is(sidecar.live, hash);
  assert.is((await sidecar.version()).refused, undefined);
  await sidecar.stop();
});

test('the last refusal is on /readyz and, for people, on /status', async () => {
  const { sidecar, repository, hash } = await synced({
    GITSYNC_GATE_COMMAND: 'sh -c "! test -e bad || { echo three tests fail; exit 1; }"',
  });
  assert.match((await sidecar.get('/status')).text, new RegExp(`^live +${hash} +since 20`, 'm'));
  const bad = repository.commit({ bad: '' });
  await sidecar.reports('it is refused', ({ refused }) => refused?.hash === bad);
  const ready = await sidecar.answers('/readyz', 200, /three tests fail/);
  const report = JSON.parse(ready.text) as { checks: { sync: { ready: boolean; note: string } } };
  assert.ok(report.checks.sync.ready);
  assert.match(report.checks.sync.note, new RegExp(`^${bad} is refused by the gate`));
  const { text } = await sidecar.get('/status');
  assert.match(text, new RegExp(`^live +${hash} `, 'm'));
  assert.match(text, new RegExp(`^refused +${bad} +by the gate at 20`, 'm'));
  assert.match(text, /^ {2}three tests fail$/m);
  await sidecar.lives(repository.commit({ bad: null }));
  assert.not.match((await sidecar.get('/readyz')).text, /note/);
  await sidecar.stop();
});

test.run();

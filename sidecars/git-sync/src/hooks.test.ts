/** Programs that are told, and the file that holds the error. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { TestRepository } from './test-repository.ts';
import { synced, TestSidecar } from './test-sidecar.ts';

test('a hook gets the variables that it is given, and no others', async () => {
  const out = join(temporaryDirectory('git-sync-hook'), 'out');
  const { sidecar, hash } = await synced({
    GITSYNC_EXECHOOK_COMMAND: `sh -c "env > ${out}.new && mv ${out}.new ${out}"`,
    GITSYNC_EXECHOOK_ENV: 'REGION,ABSENT',
    REGION: 'eu-west',
    OTHER: 'x',
  });
  await sidecar.eventually('it ran', () => existsSync(out));
  const lines = readFileSync(out, 'utf8').split('\n');
  assert.ok(lines.includes('REGION=eu-west'));
  assert.ok(lines.includes(`GITSYNC_HASH=${hash}`));
  assert.not(lines.some((line) => /^(OTHER|ABSENT|GITSYNC_REPO)=/.test(line)));
  await sidecar.stop();
});

test('the directory of the error file is made', async () => {
  const repository = new TestRepository();
  const sidecar = await TestSidecar.start({
    GITSYNC_REPO: repository.url,
    GITSYNC_REF: 'absent',
    GITSYNC_ERROR_FILE: 'reports/deep/error.json',
  });
  await sidecar.eventually('it is there', () => existsSync(join(sidecar.root, 'reports/deep/error.json')));
  await sidecar.stop();
});

test('one-shot: telling is tried again as often as failures are allowed, and no longer', async () => {
  const repository = new TestRepository();
  repository.commit({ file: 'one' });
  const sidecar = await TestSidecar.start({
    GITSYNC_REPO: repository.url,
    GITSYNC_ONE_TIME: 'true',
    GITSYNC_MAX_FAILURES: '2',
    GITSYNC_EXECHOOK_COMMAND: 'false',
    GITSYNC_EXECHOOK_BACKOFF: '10ms',
  });
  const begun = performance.now();
  assert.is(await sidecar.ended(), 75);
  assert.ok(performance.now() - begun < 20_000, 'not after a minute');
  assert.is(sidecar.output.match(/"msg":"the application could not be told"/g)?.length, 3 + 1);
});

test.run();

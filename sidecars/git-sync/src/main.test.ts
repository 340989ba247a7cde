/** The program as a whole: its configuration, its one-shot mode, its end. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createHmac } from 'node:crypto';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { request } from '#kit/net/http-client.ts';
import { eventually } from '#kit/testing/eventually.ts';
import { serve } from '#kit/testing/server.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { TestRepository } from './test-repository.ts';
import { hasEnded, TestSidecar } from './test-sidecar.ts';

test('everything that is wrong is said at once, without the address’s password', async () => {
  const sidecar = await TestSidecar.start({
    GITSYNC_REPO: 'https://user:top-secret@git.example/x',
    GITSYNC_REF: '-evil',
    GITSYNC_TYPO: 'x',
  });
  assert.is(await sidecar.ended(), 64);
  assert.match(sidecar.output, /GITSYNC_REF: "-evil" is malformed/);
  assert.match(sidecar.output, /GITSYNC_TYPO is not a parameter/);
  const second = await TestSidecar.start({
    GITSYNC_REPO: 'https://user:top-secret@git.example/x',
    GITSYNC_LINK: '.git/hooks',
    GITSYNC_GATE_COMMAND: 'test "open',
    GITSYNC_SIGNAL: 'NOPE@app',
    GITSYNC_USERNAME: 'x',
  });
  assert.is(await second.ended(), 64);
  for (const wrong of [
    /GITSYNC_REPO: it holds a user or password.*GITSYNC_PASSWORD_FILE/,
    /GITSYNC_LINK: it is where the sidecar keeps its own files/,
    /GITSYNC_GATE_COMMAND: it cannot be split into words: the quote " is not closed/,
    /GITSYNC_SIGNAL: it is not a signal and a program/,
    /GITSYNC_USERNAME: it needs GITSYNC_PASSWORD_FILE/,
  ]) {
    assert.match(second.output, wrong);
  }
  assert.not((sidecar.output + second.output).includes('top-secret'));
});

test('the link is named after the repository when nobody names it', async () => {
  const repository = new TestRepository(join(temporaryDirectory('git-sync-named'), 'shop'));
  const hash = repository.commit({ file: 'one' });
  const sidecar = await TestSidecar.start({ GITSYNC_REPO: repository.url, GITSYNC_LINK: '' });
  await eventually('it is published', () => readFileSync(join(sidecar.root, 'shop/file'), 'utf8') === 'one');
  assert.is((await sidecar.version()).hash, hash);
  await sidecar.stop();
});

test('one-shot: it syncs, tells, and ends with 0; a refused commit ends it with 75', async () => {
  let told = 0;
  await using app = await serve((_request, response) => {
    told += 1;
    response.writeHead(told < 3 ? 500 : 200).end();
  });
  const repository = new TestRepository();
  repository.commit({ file: 'one' });
  const env = {
    GITSYNC_REPO: repository.url,
    GITSYNC_ONE_TIME: 'true',
    GITSYNC_WEBHOOK_URL: `${app.url}/`,
    GITSYNC_WEBHOOK_BACKOFF: '10ms',
  };
  const sidecar = await TestSidecar.start(env);
  assert.is(await sidecar.ended(), 0, sidecar.output);
  assert.is(readFileSync(sidecar.path('file'), 'utf8'), 'one');
  assert.is(told, 3, 'until it was told');
  const again = sidecar.again();
  assert.is(await again.ended(), 0, 'a second run has nothing to do');
  assert.is(told, 3);
  repository.commit({ file: 'two' });
  const refused = again.again({ GITSYNC_GATE_COMMAND: 'false' });
  assert.is(await refused.ended(), 75);
  assert.is(readFileSync(refused.path('file'), 'utf8'), 'one');
});

test('a webhook is answered by a sync at once, and a burst by few', async () => {
  const repository = new TestRepository();
  const secret = join(temporaryDirectory('git-sync-webhook'), 'secret');
  writeFileSync(secret, 'shared');
  const sidecar = await TestSidecar.start({
    GITSYNC_REPO: repository.url,
    GITSYNC_REF: 'main',
    GITSYNC_PERIOD: '1h',
    GITSYNC_RECEIVE_SECRET_FILE: secret,
  });
  await eventually('it has looked', async () => (await sidecar.version()).error !== undefined);
  let count = 0;
  const push = async (): Promise<void> => {
    const body = JSON.stringify({ ref: 'refs/heads/main', count: ++count });
    const { status } = await request(`http://127.0.0.1:${sidecar.env['GITSYNC_RECEIVE_PORT']}/`, {
      method: 'POST',
      body,
      headers: {
        'x-github-event': 'push',
        'x-github-delivery': `d${count}`,
        'x-hub-signature-256': `sha256=${createHmac('sha256', 'shared').update(body).digest('hex')}`,
      },
      timeout: 5000,
    });
    assert.is(status, 202);
  };
  const first = repository.commit({ file: 'one' });
  await push();
  await sidecar.lives(first);
  const fetches = await sidecar.metric('git_sync_fetch_count_total');
  const last = repository.commit({ file: 'two' });
  await Promise.all(Array.from({ length: 50 }, push));
  await sidecar.lives(last);
  await eventually(
    'all are counted',
    async () => (await sidecar.metric('git_sync_receives_total{result="accepted"}')) === 51,
  );
  assert.ok((await sidecar.metric('git_sync_fetch_count_total')) - fetches < 20, 'not a sync for each');
  await sidecar.stop();
});

test('stopped in the middle of a gate, it ends with 0 and leaves nothing running or lying about', async () => {
  const scratch = temporaryDirectory('git-sync-scratch');
  const repository = new TestRepository();
  const pids = join(temporaryDirectory('git-sync-gate'), 'pids');
  repository.commit({ gate: { executable: `#!/bin/sh\necho $$ > ${pids}\nexec sleep 600\n` } });
  const sidecar = await TestSidecar.start({
    GITSYNC_REPO: repository.url,
    GITSYNC_GATE_COMMAND: './gate',
    TMPDIR: scratch,
  });
  const pid = await eventually('the gate runs', () => existsSync(pids) && readFileSync(pids, 'utf8').trim());
  assert.is(readdirSync(scratch).length, 1, 'it works in a directory of its own');
  assert.is(await sidecar.stop(), 0, sidecar.output);
  await eventually('the gate is gone', () => hasEnded(pid));
  assert.not(existsSync(join(sidecar.root, 'link')));
  assert.not.match(sidecar.output, /refused/);
  assert.equal(readdirSync(scratch), []);
});

test.run();

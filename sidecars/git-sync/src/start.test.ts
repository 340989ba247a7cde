/** What a start refuses: 64 and a sentence, never a stack trace. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { TestRepository } from './test-repository.ts';
import { TestSidecar } from './test-sidecar.ts';

/** Start on a root that is prepared first; it must end with 64. */
async function refuses(prepare: (root: string) => Record<string, string> | void, sentence: RegExp): Promise<void> {
  const root = join(temporaryDirectory('git-sync-start'), 'git');
  mkdirSync(root);
  const env = prepare(root) ?? {};
  const repository = new TestRepository();
  repository.commit({ file: 'one' });
  const sidecar = await TestSidecar.start({ GITSYNC_REPO: repository.url, ...env }, root);
  assert.is(await sidecar.ended(), 64, sidecar.output);
  assert.match(sidecar.output, sentence);
  assert.not.match(sidecar.output, /^\s+at /m, 'no stack trace');
}

test('a root with .git as a file is refused', async () => {
  await refuses(
    (root) => writeFileSync(join(root, '.git'), 'gitdir: /elsewhere\n'),
    /GITSYNC_ROOT: .* \.git as a file/,
  );
});

test('other files where directories belong are refused', async () => {
  for (const name of ['.worktrees', '.gitsync'])
    await refuses((root) => writeFileSync(join(root, name), ''), /GITSYNC_ROOT: /);
});

test('an empty webhook secret, and one that is not there, are refused', async () => {
  for (const [content, sentence] of [
    ['', /GITSYNC_RECEIVE_SECRET_FILE: .* is empty/],
    ['\n', /GITSYNC_RECEIVE_SECRET_FILE: .* is empty/],
    [undefined, /GITSYNC_RECEIVE_SECRET_FILE: .* cannot be read \(ENOENT\)/],
  ] as const) {
    await refuses((root) => {
      const file = join(root, 'secret');
      if (content !== undefined) writeFileSync(file, content);
      return { GITSYNC_RECEIVE_SECRET_FILE: file };
    }, sentence);
  }
});

test('the name that kubernetes/git-sync v3 has for the period contradicts another one', async () => {
  await refuses(
    () => ({ GITSYNC_PERIOD: '10s', GIT_SYNC_WAIT: '60' }),
    /GITSYNC_PERIOD and GIT_SYNC_WAIT \(deprecated\)/,
  );
});

test.run();

/** Attributes change what a file is without changing the file. */
import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { synced } from './test-sidecar.ts';

test('a commit that changes only .gitattributes changes the files that they speak of', async () => {
  const { sidecar, repository } = await synced();
  await sidecar.lives(repository.commit({ 'page.txt': 'one\ntwo\n', 'deep/page.txt': 'one\n' }));
  assert.is(readFileSync(sidecar.path('page.txt'), 'utf8'), 'one\ntwo\n');
  await sidecar.lives(repository.commit({ '.gitattributes': 'page.txt text eol=crlf\n' }));
  assert.is(readFileSync(sidecar.path('page.txt'), 'utf8'), 'one\r\ntwo\r\n');
  await sidecar.lives(repository.commit({ '.gitattributes': null, 'deep/.gitattributes': '*.txt text eol=crlf\n' }));
  assert.is(readFileSync(sidecar.path('page.txt'), 'utf8'), 'one\ntwo\n');
  assert.is(readFileSync(sidecar.path('deep/page.txt'), 'utf8'), 'one\r\n');
  await sidecar.stop();
});

test.run();

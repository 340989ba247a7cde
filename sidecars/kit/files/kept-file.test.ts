/** What a former run left is read as it is; what cannot be of a former run is not read at all. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { readKept, SMALL, UnusableFile } from './kept-file.ts';

const top = temporaryDirectory('kept');
const path = join(top, 'kept');
const refused = (pattern: RegExp, where: string): void => {
  try {
    readKept(where);
  } catch (error) {
    assert.instance(error, UnusableFile);
    assert.match((error as Error).message, pattern);
    return;
  }
  assert.unreachable();
};

test('a file is read up to the size that it may have', () => {
  assert.is(readKept(path), undefined);
  writeFileSync(path, 'text');
  assert.is(String(readKept(path)), 'text');
  truncateSync(path, SMALL);
  assert.is(readKept(path)!.length, SMALL);
});

test('a longer one, a directory and a pipe are refused at once', () => {
  truncateSync(path, 1024 ** 4);
  refused(/has 1099511627776 bytes; at most 1048576/, path);
  mkdirSync(join(top, 'directory'));
  refused(/is not a file/, join(top, 'directory'));
  execFileSync('mkfifo', [join(top, 'pipe')]);
  refused(/is not a file/, join(top, 'pipe'));
});

test.run();

import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { ComposeStack } from './compose-stack.ts';
import { StackError } from './stack.ts';

test('an error of a command that failed repeats none of its arguments', async () => {
  const folder = temporaryDirectory('stack');
  const docker = join(folder, 'docker');
  writeFileSync(docker, '#!/bin/sh\ncase "$*" in *" exec "*) exit 3;; esac\n');
  chmodSync(docker, 0o755);
  await using stack = new ComposeStack({
    project: 'none',
    folder,
    files: [],
    scratch: join(folder, 'scratch'),
    options: { env: { PATH: folder } },
  });
  const error = await stack
    .exec('db', ['mariadb', '--password=hunter2', '-e', 'SELECT 1'])
    .catch((each: unknown) => each);
  assert.instance(error, StackError);
  assert.match(String(error), 'mariadb in db failed: exit code 3');
  assert.not.match(JSON.stringify(error) + String((error as Error).stack) + String(error), 'hunter2');
});

test.run();

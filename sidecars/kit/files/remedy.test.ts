import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { isDenied, remedy } from './remedy.ts';

const top = temporaryDirectory('remedy');
const [uid, gid] = [process.getuid!(), process.getgid!()];

test('a file or folder of a group asks for the group, another for its owner', () => {
  const file = join(top, 'key.pem');
  writeFileSync(file, '');
  const folder = join(top, 'logs');
  mkdirSync(folder);
  const group = `give the sidecar its group: group_add: ["${gid}"]`;
  const owner = `run the sidecar as its owner: user: "${uid}:${gid}"`;
  for (const [path, mode, wish, line] of [
    [file, 0o640, 'read', group],
    [file, 0o600, 'read', owner],
    [file, 0o640, 'write', owner],
    [file, 0o660, 'write', group],
    [folder, 0o750, 'read', group],
    [folder, 0o740, 'read', owner],
    [folder, 0o770, 'write', group],
  ] as const) {
    chmodSync(path, mode);
    assert.is(remedy(path, wish), line, `${path} ${mode.toString(8)}`);
  }
});

test('of a path that cannot be seen, the nearest folder above it is asked', () => {
  const folder = join(top, 'state');
  mkdirSync(folder);
  chmodSync(folder, 0o770);
  assert.match(remedy(join(folder, 'a/b/c'), 'write'), /group_add/);
  assert.is(remedy('/nowhere/at/all'), 'run the sidecar as a user who may read it (user:)');
});

test('only a lack of permission is one', () => {
  const error = (code: string): Error => Object.assign(new Error(code), { code });
  assert.equal(
    ['EACCES', 'EPERM', 'ENOENT', 'EISDIR'].map((code) => isDenied(error(code))),
    [true, true, false, false],
  );
  assert.is(isDenied(undefined), false);
});

test.run();

/** Files and folders that the sidecar may not use: said once with the line that helps, and it is not ready. */
import { chmodSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { Rig } from './testing/rig.ts';
import type { Sidecar } from './testing/sidecar.ts';

let rig: Rig;
const ROOT = process.getuid!() === 0;
/** Root may use everything: the sidecar becomes another user. */
const NOBODY = ROOT ? ['--import', 'data:text/javascript,process.setgid(65534);process.setuid(65534)'] : [];
const PLAIN = { CONFIG_NOTIFY: '', CONFIG_VERIFY: '', CONFIG_VERIFY_EXPECT: '' };
const times = (sidecar: Sidecar, text: RegExp): number =>
  sidecar.output.split('\n').filter((line) => text.test(line)).length;

test.before.each(async () => {
  rig = await Rig.open();
  mkdirSync(join(rig.directory, 'state'));
  for (const path of [rig.directory, rig.live, join(rig.directory, 'state')]) chmodSync(path, 0o777);
  rig.server.put('app', 'release=1\n');
});
test.after.each(() => rig[Symbol.asyncDispose]());

test('a file that may not be read', async () => {
  writeFileSync(rig.file, 'release=0\n');
  chmodSync(rig.file, 0);
  const sidecar = await rig.start(PLAIN, NOBODY);
  const why = /app\.properties cannot be read \(EACCES\): run the sidecar as its owner: user: /;
  await rig.ready(sidecar, 503, why);
  assert.is(times(sidecar, why), 1);
  rmSync(rig.file);
  await rig.ready(sidecar, 200);
});

test('a folder that may not be written', async () => {
  chmodSync(rig.live, 0o755);
  const sidecar = await rig.start(PLAIN, NOBODY);
  const why = /app\.properties cannot be written: run the sidecar as its owner: user: .*\(EACCES\)/;
  if (ROOT) await rig.ready(sidecar, 503, why);
  if (ROOT) assert.is(times(sidecar, why), 1);
  chmodSync(rig.live, 0o777);
  await rig.ready(sidecar, 200);
});

test('a state folder that may not be written', async () => {
  const state = join(rig.directory, 'state');
  chmodSync(state, 0o555);
  const sidecar = await rig.start(PLAIN, NOBODY);
  const why = /cannot be written: run the sidecar as its owner: user: .*\(EACCES\)/;
  await rig.ready(sidecar, 503, why);
  assert.is(times(sidecar, why), 1);
  chmodSync(state, 0o777);
  await rig.ready(sidecar, 200);
});

test('files of parameters end the start, with the line that helps', async () => {
  const secret = join(rig.directory, 'closed');
  writeFileSync(secret, 'x\n');
  chmodSync(secret, 0);
  for (const name of ['CONFIG_TOKEN_FILE', 'CONFIG_CA', 'CONFIG_SCHEMA', 'CONFIG_SPEC']) {
    const sidecar = await rig.start({ ...PLAIN, [name]: secret }, NOBODY);
    assert.is.not(await sidecar.ended(), 0);
    assert.match(sidecar.output, new RegExp(`${name}.*closed.*run the sidecar as its owner: user:`), name);
  }
});

test('a token that is replaced by one that may not be read', async () => {
  const token = join(rig.directory, 'token');
  const replace = (mode: number): void => {
    writeFileSync(`${token}.new`, 'next\n');
    chmodSync(`${token}.new`, mode);
    renameSync(`${token}.new`, token);
  };
  replace(0o644);
  const sidecar = await rig.start({ ...PLAIN, CONFIG_TOKEN_FILE: token }, NOBODY);
  await rig.ready(sidecar, 200);
  replace(0);
  const why = /CONFIG_TOKEN_FILE.*token cannot be read \(EACCES\): run the sidecar as its owner/;
  await rig.ready(sidecar, 503, why);
  await eventually('it is logged', () => times(sidecar, why) === 1);
  replace(0o644);
  await rig.ready(sidecar, 200);
  assert.is(times(sidecar, why), 1);
});

test.run();

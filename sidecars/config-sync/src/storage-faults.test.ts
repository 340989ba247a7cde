/** What the sidecar makes of files that others change and of places where it cannot write. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Rig } from './testing/rig.ts';
import { eventually } from '#kit/testing/eventually.ts';

let rig: Rig;
test.before.each(async () => {
  rig = await Rig.open();
});
test.after.each(() => rig[Symbol.asyncDispose]());

test('a file that somebody changed is put back', async () => {
  const sidecar = await rig.settled();
  writeFileSync(rig.file, 'release=7\n');
  await eventually('it is back', () => rig.read() === 'release=1\n');
  rmSync(rig.file);
  await eventually('it is back', () => existsSync(rig.file) && rig.read() === 'release=1\n');
  assert.is(await sidecar.metric('config_drift_repairs_total'), 2);
});

test('a directory in the way is said, and recovered from', async () => {
  const sidecar = await rig.settled();
  await rig.app.stop();
  rmSync(rig.file);
  mkdirSync(rig.file);
  rig.server.put('app', 'release=2\n');
  await rig.ready(sidecar, 503, /cannot be written: it is a directory \(EISDIR\)/);
  assert.ok((await sidecar.metric('config_storage_errors_total{reason="EISDIR"}')) > 0);
  rmSync(rig.file, { recursive: true });
  await eventually('the file is there', () => rig.read() === 'release=2\n');
});

test('an impossible state directory is reported; nothing is published without it; it recovers', async () => {
  const sidecar = await rig.settled();
  const state = join(rig.directory, 'state');
  // The sidecar may write there at the same moment.
  await eventually('something else is in its place', () => {
    rmSync(state, { recursive: true, force: true });
    writeFileSync(state, 'in the way', { flag: 'wx' });
    return true;
  });
  rig.server.put('app', 'release=2\n');
  await rig.ready(sidecar, 503, /cannot be written: .*(EEXIST|ENOTDIR)/);
  assert.is(rig.read(), 'release=1\n');
  rmSync(state);
  await rig.serves('release=2\n');
  await rig.ready(sidecar, 200);
});

test.run();

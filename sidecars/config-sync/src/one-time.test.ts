/** One-time mode: the file before the application. */
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Rig } from './testing/rig.ts';
import { eventually } from '#kit/testing/eventually.ts';
import type { Sidecar } from './testing/sidecar.ts';

let rig: Rig;
test.before.each(async () => {
  rig = await Rig.open();
});
test.after.each(() => rig[Symbol.asyncDispose]());

const once = (env: Record<string, string> = {}): Promise<Sidecar> =>
  rig.start({ CONFIG_ONE_TIME: 'true', CONFIG_ONE_TIME_TIMEOUT: '1500ms', CONFIG_FILE_MODE: '0600', ...env });

test('it puts the file in place and ends; who verifies it is the sidecar after it', async () => {
  rig.server.put('app', 'release=1\n');
  const init = await once();
  assert.is(await init.ended(), 0, init.output);
  assert.is(rig.read(), 'release=1\n');
  assert.is(statSync(rig.file).mode & 0o777, 0o600);
  assert.equal(rig.server.reports, []);
  const sidecar = await rig.start();
  await rig.started(sidecar);
  await rig.ready(sidecar, 503, /version 1 is in place, not verified/);
  await rig.app.start();
  await rig.report('applied', 1);
});

test('with the server away it takes the last good version; without one it fails clearly in time', async () => {
  rig.server.stop();
  const failing = await once();
  assert.is(await failing.ended(), 69);
  assert.match(failing.output, /"fatal".*not in place: .*app\.properties: .*cannot be reached: ECONNREFUSED/);
  assert.not(existsSync(rig.file));

  await rig.server.start();
  const sidecar = await rig.settled();
  await sidecar.stop();
  rig.server.stop();
  rmSync(rig.file);
  const init = await once();
  assert.is(await init.ended(), 0, init.output);
  assert.match(init.output, /going on with version 1/);
  assert.is(rig.read(), 'release=1\n');
});

test('with a validated file and the source down it ends with 0, though nothing verified it yet', async () => {
  rig.server.put('app', 'release=1\n');
  assert.is(await (await once()).ended(), 0);
  rig.server.stop();
  const again = await once();
  assert.is(await again.ended(), 0, again.output);
  assert.match(again.output, /ECONNREFUSED; going on with version 1/);
  assert.is(rig.read(), 'release=1\n');
});

test('a server that comes up in time is waited for', async () => {
  rig.server.put('app', 'release=1\n');
  rig.server.stop();
  const init = await once({ CONFIG_ONE_TIME_TIMEOUT: '20s' });
  await eventually('it has tried', () => init.get('/readyz').then(({ text }) => /ECONNREFUSED/.test(text)));
  await rig.server.start();
  assert.is(await init.ended(), 0, init.output);
  assert.is(rig.read(), 'release=1\n');
});

test('an invalid first version is never put in place', async () => {
  rig.server.put('app', '<html>');
  const init = await once();
  assert.is(await init.ended(), 69);
  assert.match(init.output, /not in place: .*version 1 was refused: not properties at line 1/);
  assert.not(existsSync(rig.file));
  await rig.report('rejected', 1);
});

test('a place where it cannot write is said', async () => {
  rig.server.put('app', 'release=1\n');
  mkdirSync(rig.file);
  const init = await once();
  assert.is(await init.ended(), 69);
  assert.match(init.output, /cannot be written: it is a directory \(EISDIR\)/);
});

test('a check command is asked first, with nothing of our environment, and not for ever', async () => {
  const check = join(rig.directory, 'check');
  const seen = join(rig.directory, 'seen');
  writeFileSync(
    check,
    `#!/bin/sh\nenv > ${seen}\ngrep -q release "$1" || { echo "no release in $1" >&2; exit 1; }\ngrep -q hang "$1" && sleep 600\nexit 0\n`,
    { mode: 0o755 },
  );
  const token = join(rig.directory, 'token');
  writeFileSync(token, 'hunter2');
  const env = { CONFIG_CHECK: `${check} {}`, CONFIG_TOKEN_FILE: token };
  rig.server.put('app', 'other=1\n');
  assert.is(await (await once(env)).ended(), 69);
  assert.is(
    (await rig.report('rejected', 1)).reason,
    `the check refuses it: ${check} exited with 1: no release in app.properties`,
  );
  rig.server.put('app', 'release=hang\n');
  assert.is(await (await once({ ...env, CONFIG_CHECK_TIMEOUT: '300ms' })).ended(), 69);
  assert.match((await rig.report('rejected', 2)).reason!, /check was ended after 0\.\d s/);
  rig.server.put('app', 'release=1\n');
  const init = await once(env);
  assert.is(await init.ended(), 0, init.output);
  assert.is(rig.read(), 'release=1\n');
  assert.not.match(readFileSync(seen, 'utf8'), /CONFIG_|hunter2/);
});

test('beside a sidecar that is at work it leaves the files to it, and two sidecars do not meet', async () => {
  const sidecar = await rig.settled();
  const before = rig.stamp();
  const init = await once();
  assert.is(await init.ended(), 0, init.output);
  assert.match(init.output, /a sidecar is at work on these files/);
  assert.is(rig.stamp(), before);
  const second = await rig.start();
  await rig.ready(second, 503, /another sidecar is at work/);
  sidecar.child.kill('SIGKILL');
  await rig.ready(second, 200);
  rig.server.put('app', 'release=2\n');
  await rig.serves('release=2\n');
});

test.run();

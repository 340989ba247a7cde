/** The loop over a whole program: from a change at the server to the application. */
import { chmodSync, readdirSync, readFileSync, statSync } from 'node:fs';
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

test('the file is there before the application, and is verified once that is up', async () => {
  rig.server.put('app', 'release=1\n');
  const sidecar = await rig.start();
  await rig.started(sidecar);
  assert.is(rig.read(), 'release=1\n');
  await rig.ready(sidecar, 503, /in place, not verified/);
  await rig.app.start();
  await rig.ready(sidecar, 200);
  await rig.report('applied', 1);
  assert.is(await rig.app.loads(), 1, 'it read the file as it started: no need to tell it');
  assert.is(statSync(rig.file).mode & 0o777, 0o644);
});

test('an application that is not notified and not up yet is not blamed for showing nothing', async () => {
  rig.server.put('app', 'release=1\n');
  const sidecar = await rig.start({ CONFIG_NOTIFY: '', CONFIG_VERIFY_TIMEOUT: '200ms' });
  await rig.started(sidecar);
  await rig.polled();
  await rig.ready(sidecar, 503, /in place, not verified: .*ECONNREFUSED/);
  assert.equal(rig.server.reports, []);
  await rig.app.start();
  await rig.report('applied', 1);
});

test('a change reaches the application, with mode and owner kept', async () => {
  const sidecar = await rig.settled();
  chmodSync(rig.file, 0o640);
  rig.server.put('app', 'release=2\n');
  await rig.serves('release=2\n');
  await rig.inSync(sidecar);
  assert.is(statSync(rig.file).mode & 0o777, 0o640);
  await rig.report('applied', 2);
  await eventually('both are counted', async () => (await sidecar.metric('config_versions_total')) === 2);
  assert.equal(readdirSync(rig.live), ['app.properties']);
});

test('an invalid document never touches the file, and is refused once', async () => {
  const sidecar = await rig.settled();
  const before = rig.stamp();
  rig.server.put('app', '<html>');
  await rig.report('rejected', 2);
  assert.match(rig.server.reports.at(-1)!.reason!, /not properties at line 1/);
  assert.equal(rig.stamp(), before);
  await rig.ready(sidecar, 200);
  await rig.polled();
  assert.is(rig.server.reports.filter(({ state }) => state === 'rejected').length, 1);
  rig.server.put('app', 'release=3\n');
  await rig.serves('release=3\n');
});

test('a burst is coalesced: the application is told a handful of times, and of the last', async () => {
  const sidecar = await rig.settled({ CONFIG_MIN_INTERVAL: '500ms' });
  const before = await rig.app.loads();
  const began = performance.now();
  for (let release = 2; release <= 201; release++) {
    rig.server.put('app', `release=${release}\n`);
    await new Promise((resolve) => setTimeout(resolve, 4));
  }
  await rig.serves('release=201\n');
  await rig.inSync(sidecar);
  const told = (await rig.app.loads()) - before;
  // Two are told before it is known for a burst.
  const most = 3 + (performance.now() - began) / 500;
  assert.ok(told >= 1 && told <= most, `told ${told} times, at most ${most}`);
});

test('several documents go to several files, and what is wrong with one does not hold up another', async () => {
  const other = join(rig.live, 'other.json');
  const copy = join(rig.live, 'copy.properties');
  rig.server.put('other', '{"a": 1}');
  const sidecar = await rig.settled({
    CONFIG_FILES: `other=${other},app=${rig.file},app=${copy}`,
    CONFIG_VERIFY_EXPECT: 'release',
  });
  assert.is(readFileSync(other, 'utf8'), '{"a": 1}');
  rig.server.put('other', '{"a": ');
  rig.server.put('app', 'release=2\n');
  await rig.serves('release=2\n');
  await eventually('the copy follows', () => readFileSync(copy, 'utf8') === 'release=2\n');
  await eventually('the wrong one is refused', () =>
    rig.server.reports.some(({ key, state }) => key === 'other' && state === 'rejected'),
  );
  assert.is(readFileSync(other, 'utf8'), '{"a": 1}');
  await rig.ready(sidecar, 200);
});

test.run();

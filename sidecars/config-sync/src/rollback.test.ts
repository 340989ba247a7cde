/** What the application does not take: the way back. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Rig } from './testing/rig.ts';
import { eventually } from '#kit/testing/eventually.ts';

let rig: Rig;
test.before.each(async () => {
  rig = await Rig.open();
});
test.after.each(() => rig[Symbol.asyncDispose]());

for (const [choke, alive] of [
  ['ignore', true],
  ['lie', true],
  ['die', false],
] as const) {
  test(`what the application chokes on (${choke}) is rolled back, reported, and not tried again`, async () => {
    const sidecar = await rig.settled();
    rig.server.put('app', `release=2\nchoke=${choke}\n`);
    if (!alive) {
      await eventually('it died', () => !rig.app.running);
      await eventually('the old file is back', () => rig.read() === 'release=1\n');
      await rig.app.start();
    }
    await rig.report('rolled-back', 2);
    assert.is(rig.read(), 'release=1\n');
    await rig.serves('release=1\n');
    await rig.ready(sidecar, 200);
    const { refused, verified } = await sidecar.file();
    assert.is(refused?.version, '2');
    assert.is(verified?.version, '1');
    await rig.polled();
    assert.is(rig.server.reports.filter(({ version }) => version === '2').length, 1);
    // After a restart neither.
    await sidecar.stop('SIGKILL');
    const before = rig.stamp();
    const next = await rig.start();
    await eventually('it has seen the version', async () => (await next.file()).source?.version === '2');
    await rig.polled();
    await rig.ready(next, 200);
    assert.is(rig.stamp(), before);
    assert.is(rig.read(), 'release=1\n');
    assert.is(rig.server.reports.filter(({ version }) => version === '2').length, 1);
    rig.server.put('app', 'release=3\n');
    await rig.serves('release=3\n');
  });
}

test('an application that a version killed is watched until it is up and shows the old version', async () => {
  const sidecar = await rig.settled();
  rig.server.put('app', 'release=2\nchoke=die\n');
  assert.match((await rig.report('rolled-back', 2)).reason!, /ECONNREFUSED; since then: .*ECONNREFUSED/);
  assert.is(rig.read(), 'release=1\n');
  await rig.ready(sidecar, 503, /version 1 was put back, and is not verified: .*ECONNREFUSED/);
  await rig.app.start();
  await rig.ready(sidecar, 200);
});

test('an application that says no at its reload URL is believed', async () => {
  await rig.settled({ CONFIG_NOTIFY: `http:POST ${rig.app.url}reload`, CONFIG_VERIFY_TIMEOUT: '60s' });
  rig.server.put('app', 'release=2\nchoke=ignore\n');
  await rig.report('rolled-back', 2);
  assert.match(rig.server.reports.at(-1)!.reason!, /answered 500/);
  assert.is(rig.read(), 'release=1\n');
});

test('an application that is terminated and started again has the new file, or the old one', async () => {
  rig.server.put('app', 'release=1\n');
  const sidecar = await rig.start({ CONFIG_NOTIFY: `terminate@${rig.app.name}`, CONFIG_VERIFY_TIMEOUT: '3s' });
  await rig.started(sidecar);
  await rig.app.start(true);
  await rig.inSync(sidecar);
  const { pid } = rig.app;
  rig.server.put('app', 'release=2\n');
  await rig.serves('release=2\n');
  assert.is.not(rig.app.pid, pid);
  rig.server.put('app', 'release=3\nchoke=die\n');
  await rig.report('rolled-back', 3);
  await rig.serves('release=2\n');
  await rig.ready(sidecar, 200);
});

test('an application that does not come up gets the last good file, and the new one once it is', async () => {
  const first = await rig.settled();
  await first.stop();
  await rig.app.stop();
  rig.server.put('app', 'release=2\n');
  const sidecar = await rig.start({ CONFIG_START_TIMEOUT: '600ms' });
  await rig.report('rolled-back', 2);
  assert.match(rig.server.reports.at(-1)!.reason!, /did not come up within 0.6 s.*tried again/);
  assert.is(rig.read(), 'release=1\n');
  await rig.app.start();
  await rig.serves('release=2\n');
  await rig.report('applied', 2);
  await rig.inSync(sidecar);
});

test('a rollback at the server to what is in place tells nobody, and counts as applied', async () => {
  await rig.settled();
  const loads = await rig.app.loads();
  rig.server.put('app', 'release=1\n');
  await rig.report('applied', 2);
  assert.is(await rig.app.loads(), loads);
});

test.run();

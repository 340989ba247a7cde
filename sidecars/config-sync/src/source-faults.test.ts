/** What the sidecar makes of a source that is away, frozen, wrong or replaced. */
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
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

test('while the server is down the pod can restart, and it catches up', async () => {
  const first = await rig.settled();
  first.child.kill('SIGTERM');
  assert.is(await first.ended(), 0, first.output);
  await rig.app.stop();
  rig.server.stop();
  rmSync(rig.file);
  const sidecar = await rig.start();
  await rig.started(sidecar);
  assert.is(rig.read(), 'release=1\n');
  await rig.app.start();
  await rig.ready(sidecar, 503, /cannot be reached/);
  rig.server.put('app', 'release=2\n');
  await rig.server.start();
  await rig.serves('release=2\n');
  await rig.ready(sidecar, 200);
});

test('a server that freezes shows within CONFIG_MAX_AGE, and what was missed comes after', async () => {
  const sidecar = await rig.settled();
  await rig.ready(sidecar, 200);
  rig.server.faults = { frozen: true };
  rig.server.put('app', 'release=2\n');
  await rig.ready(sidecar, 503, /verified/);
  rig.server.faults = {};
  await rig.serves('release=2\n');
  await rig.ready(sidecar, 200);
});

test('a sidecar that is frozen itself shows it as soon as it answers', async () => {
  const sidecar = await rig.settled();
  await rig.ready(sidecar, 200);
  sidecar.child.kill('SIGSTOP');
  rig.server.faults = { frozen: true };
  const since = performance.now();
  await eventually('CONFIG_MAX_AGE has gone by', () => performance.now() - since > 1200);
  sidecar.child.kill('SIGCONT');
  assert.is((await sidecar.get('/readyz')).status, 503);
});

test('a watch that tells nothing is found out by polling, one that is cut is opened again', async () => {
  const sidecar = await rig.settled();
  await eventually('it watches', () => rig.server.watches === 1);
  rig.server.faults = { deafWatch: true };
  rig.server.put('app', 'release=2\n');
  await rig.serves('release=2\n');
  await eventually('the watch is dropped', async () => (await sidecar.metric('config_source_connected')) === 0);
  rig.server.faults = {};
  await eventually('it watches again', () => rig.server.watches === 1);
  rig.server.cutWatches();
  await eventually('it watches again', () => rig.server.watches === 1);
  rig.server.put('app', 'release=3\n');
  await rig.serves('release=3\n');
});

test('without a watch polling does it alone', async () => {
  rig.server.faults = { noWatch: true };
  const sidecar = await rig.settled();
  rig.server.put('app', 'release=2\n');
  await rig.serves('release=2\n');
  await rig.ready(sidecar, 200);
});

for (const [fault, reason] of [
  ['truncated', 'network'],
  ['corrupt', 'corrupt'],
] as const) {
  test(`a document that comes ${fault} is reported, and nothing is written of it`, async () => {
    const sidecar = await rig.settled();
    const before = rig.stamp();
    rig.server.faults = { [fault]: true };
    rig.server.put('app', 'release=2\n');
    await rig.ready(sidecar, 503, /nothing was verified/);
    assert.ok((await sidecar.get('/metrics')).text.includes(`config_source_errors_total{reason="${reason}"}`));
    assert.is(rig.stamp(), before);
    assert.equal(readdirSync(rig.live), ['app.properties']);
    rig.server.faults = {};
    await rig.serves('release=2\n');
    await rig.ready(sidecar, 200);
  });
}

test('a wrong token is said, and a new one in its file is taken up', async () => {
  rig.server.token = 'right';
  rig.server.put('app', 'release=1\n');
  const token = join(rig.directory, 'token');
  writeFileSync(token, 'wrong\n');
  const sidecar = await rig.start({ CONFIG_TOKEN_FILE: token });
  await rig.ready(sidecar, 503, /401, the token is missing or unknown/);
  assert.not.match(sidecar.output, /wrong/);
  writeFileSync(token, 'right\n');
  await eventually('the file is there', () => rig.read() === 'release=1\n');
});

test('a document that is too large is refused once, by its version', async () => {
  await rig.settled({ CONFIG_MAX_SIZE: '70KiB' });
  rig.server.put('app', `big=${'x'.repeat(80 * 1024)}\n`);
  await rig.report('rejected', 2);
  assert.match(rig.server.reports.at(-1)!.reason!, /it has 81925 bytes; at most 71680 are taken/);
  rig.server.put('app', 'release=3\n');
  await rig.serves('release=3\n');
});

test('reports wait for a server that takes none, and outlive a restart', async () => {
  rig.server.faults = { noReports: true };
  const first = await rig.settled();
  await eventually('a report waits', async () => (await first.metric('config_reports_pending')) === 1);
  await first.stop('SIGKILL');
  rig.server.faults = {};
  await rig.start();
  await rig.report('applied', 1);
});

test('a server whose data was replaced is read anew', async () => {
  await rig.settled();
  await eventually('it watches', () => rig.server.watches === 1);
  rig.server.documents.set('app', { version: 1, revision: 1, content: Buffer.from('release=other\n') });
  rig.server.reset();
  await rig.serves('release=other\n');
});

test.run();

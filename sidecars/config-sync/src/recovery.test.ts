/** What a start makes of a journal that says that the last run was cut short. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { digestOf } from './documents/document.ts';
import type { Journal } from './apply/store.ts';
import { Rig } from './testing/rig.ts';
import { eventually } from '#kit/testing/eventually.ts';

let rig: Rig;
test.before.each(async () => {
  rig = await Rig.open();
});
test.after.each(() => rig[Symbol.asyncDispose]());

const second = { version: '2', digest: digestOf(Buffer.from('release=2\n')) };

/** Stop the sidecar on release 1, and leave behind what a killed one would. */
async function cutShort(candidate: Journal['candidate'], file: string): Promise<void> {
  const sidecar = await rig.settled();
  await sidecar.stop('SIGKILL');
  const journal = journalPath();
  writeFileSync(journal, JSON.stringify({ ...(JSON.parse(readFileSync(journal, 'utf8')) as Journal), candidate }));
  writeFileSync(rig.file, file);
}

function journalPath(): string {
  const state = join(rig.directory, 'state');
  return join(
    state,
    readdirSync(state).find((name) => name.startsWith('app.properties-'))!,
    'journal.json',
  );
}

test('one-time mode begins again with a candidate that was never in place', async () => {
  await cutShort(second, 'release=1\n');
  rig.server.put('app', 'release=2\n');
  const init = await rig.start({ CONFIG_ONE_TIME: 'true' });
  assert.is(await init.ended(), 0, init.output);
  assert.is(rig.read(), 'release=2\n');
});

test('a rollback that was cut short ends without the source, and is reported when that is back', async () => {
  await cutShort({ ...second, failure: 'it choked' }, 'release=2\n');
  rig.server.stop();
  const loads = await rig.app.loads();
  const sidecar = await rig.start();
  await rig.started(sidecar);
  assert.is(rig.read(), 'release=1\n');
  await eventually('the application is told', async () => (await rig.app.loads()) === loads + 1);
  await eventually('the candidate is done with', async () => (await sidecar.file()).unverified === null);
  await rig.server.start();
  assert.is((await rig.report('rolled-back', 2)).reason, 'it choked');
});

test('a candidate in place is verified without the source', async () => {
  await cutShort(second, 'release=2\n');
  rig.server.stop();
  const sidecar = await rig.start();
  await rig.serves('release=2\n');
  await eventually('it is verified', async () => (await sidecar.file()).verified?.version === '2');
});

test('what a start puts back is told to an application that runs with something else', async () => {
  await cutShort(undefined, 'release=0\n');
  // It was restarted, and read the file before the sidecar was there.
  await rig.app.stop();
  await rig.app.start();
  assert.is(await rig.app.serves(), 'release=0\n');
  const sidecar = await rig.start();
  await rig.serves('release=1\n');
  await rig.inSync(sidecar);
});

test('a journal that is damaged or gone costs nothing but its memory', async () => {
  const first = await rig.settled();
  for (const damage of [() => writeFileSync(journalPath(), '{"key":"app","good":'), () => rmSync(journalPath())]) {
    await first.stop('SIGKILL');
    damage();
    const sidecar = await rig.start();
    await rig.inSync(sidecar);
    assert.is(rig.read(), 'release=1\n');
    await sidecar.stop('SIGKILL');
  }
});

test('a good copy that is damaged is not put back', async () => {
  const first = await rig.settled();
  await first.stop('SIGKILL');
  const directory = join(journalPath(), '..');
  const copy = readdirSync(directory).find((name) => name.startsWith('good-'))!;
  writeFileSync(join(directory, copy), 'release=');
  rmSync(rig.file);
  rig.server.stop();
  const sidecar = await rig.start();
  await rig.ready(sidecar, 503, /there is no version yet/);
  assert.not(readdirSync(rig.live).includes('app.properties'));
  await rig.server.start();
  await rig.inSync(sidecar);
  assert.is(rig.read(), 'release=1\n');
});

test.run();

/** What is told of files while they wait: their lag, and what was read of them. */
import { appendFileSync, copyFileSync, renameSync, truncateSync, writeFileSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { test } from 'uvu';
import { reportFiles } from './report.ts';
import { compress, scene, type Rig } from './test-rig.ts';

/** The bytes that all files lag, or the seconds, as the metric tells them. */
function lagOf(rig: Rig, unit: 'bytes' | 'seconds' = 'bytes'): number {
  let lag = 0;
  const gauge = { set: () => {}, reset: () => {} };
  reportFiles(
    rig.table,
    rig.tracker,
    rig.files,
    {
      shipper_files: gauge,
      shipper_file_lag_seconds: gauge,
      shipper_file_lag_bytes: gauge,
      [`shipper_file_lag_${unit}`]: { ...gauge, set: (_labels: unknown, value: number) => void (lag += value) },
    } as unknown as Parameters<typeof reportFiles>[3],
    rig.now,
  );
  return lag;
}

scene('what is to be read from a compressed file is lag until the store has it', async (rig, path) => {
  writeFileSync(path('app.log'), 'one\n');
  await rig.look();
  rig.deliver();
  appendFileSync(path('app.log'), 'two\n');
  rig.input.scan();
  assert.is(lagOf(rig), 'two\n'.length);
  copyFileSync(path('app.log'), path('app.log.1'));
  truncateSync(path('app.log'));
  compress(path('app.log.1'), path('app.log.1.gz'));
  rig.input.scan();
  assert.is(lagOf(rig), 'two\n'.length);
  await rig.look();
  assert.is(lagOf(rig), 'two\n'.length);
  rig.deliver();
  assert.is(lagOf(rig), 0);
  await rig.finish();
  assert.is(lagOf(rig), 0);
});

scene(
  'an event over two files is counted as read, once',
  async (rig, path) => {
    writeFileSync(path('app.log'), 'one\n more\n');
    await rig.look();
    renameSync(path('app.log'), path('app.log.1'));
    writeFileSync(path('app.log'), ' the end\ntwo\n');
    await rig.finish();
    assert.equal(rig.messages, ['one\n more\n the end', 'two']);
    assert.equal(rig.read, { records: 2, bytes: 'one\n more\n the end\ntwo\n'.length });
  },
  { multiline: /^\S/ },
);

scene('seconds of lag begin when the store had all of a file, or when the file was seen first', async (rig, path) => {
  writeFileSync(path('app.log'), 'one\n');
  await rig.look();
  const told: number[] = [];
  for (const isDelivered of [false, false, true, false]) {
    if (isDelivered) rig.deliver();
    else appendFileSync(path('app.log'), 'more\n');
    await rig.look();
    told.push(lagOf(rig, 'seconds'));
    rig.now += 5000;
  }
  rig.restart();
  await rig.look();
  told.push(lagOf(rig, 'seconds'));
  assert.equal(told, [0, 5, 0, 5, 0]);
});

test.run();

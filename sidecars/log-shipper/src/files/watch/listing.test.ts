/** What a scan asks of the system: of names that change between listing and look, and of many files at once. */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { compress, scene, type Rig } from '../test-rig.ts';

const { fstatSync, renameSync, statSync, utimesSync, writeFileSync } = fs;

/** A scan during which one of node:fs's functions is another. */
function scanWith(rig: Rig, name: 'statSync' | 'fstatSync', other: unknown): void {
  const real = fs[name];
  Object.assign(fs, { [name]: other });
  syncBuiltinESMExports();
  try {
    rig.input.scan();
  } finally {
    Object.assign(fs, { [name]: real });
    syncBuiltinESMExports();
  }
}

/** A scan during which something is done when a path was listed, and is about to be asked what it is. */
function scanWhile(rig: Rig, path: string, act: () => void): void {
  let acted = false;
  scanWith(rig, 'statSync', (...[each, options]: Parameters<typeof statSync>) => {
    if (each === path && !acted) {
      acted = true;
      act();
    }
    return statSync(each, options);
  });
  assert.ok(acted);
}

for (const [when, restarts, scans] of [
  ['the first after an outage', 1, 0],
  ['the first after an outage, and the last before the next one', 2, 0],
  ['a late one', 0, 1],
] as const)
  scene(
    `what was renamed while a scan looked, ${when}, and was compressed before the next, is read`,
    async (rig, path) => {
      let time = Date.now();
      rig.wallClock = () => time;
      writeFileSync(path('other.log'), 'known\n');
      await rig.finish();
      if (restarts > 0) rig.restart();
      for (let scan = 0; scan < scans; scan++) rig.input.scan();
      const written = time / 1000 + 60;
      writeFileSync(path('app.log.1'), 'one\n');
      utimesSync(path('app.log.1'), written, written);
      time += 120_000;
      scanWhile(rig, path('app.log.1'), () => renameSync(path('app.log.1'), path('app.log.2')));
      if (restarts > 1) rig.restart();
      compress(path('app.log.2'), path('app.log.2.gz'));
      utimesSync(path('app.log.2.gz'), written, written);
      time += 10_000;
      await rig.finish();
      assert.equal(rig.messages, ['known', 'one']);
      rig.restart();
      await rig.finish();
      assert.is(rig.messages.length, 2);
      assert.is(rig.again, 0);
    },
  );

scene('many new files at once are asked for their sizes a few times each', async (rig, path) => {
  const FILES = 200;
  for (let at = 0; at < FILES; at++) writeFileSync(path(`${at}.log`), `line ${at}\n`);
  let asked = 0;
  scanWith(rig, 'fstatSync', (...args: Parameters<typeof fstatSync>) => {
    asked += 1;
    return fstatSync(...args);
  });
  assert.ok(asked > FILES && asked <= 20 * FILES, `${asked} times`);
  await rig.finish();
  assert.is(rig.messages.length, FILES);
});

test.run();

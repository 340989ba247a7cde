import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { setAside } from './set-aside.ts';

test('a damaged file is kept beside, and of many the last three', () => {
  const directory = temporaryDirectory('aside');
  const path = join(directory, 'state');
  writeFileSync(join(directory, 'state.other'), '');
  for (let day = 1; day <= 20; day++) {
    writeFileSync(path, String(day));
    assert.is(readFileSync(setAside(path, Date.UTC(2026, 0, day)), 'utf8'), String(day));
  }
  const names = ['18', '19', '20'].map((day) => `state.damaged-202601${day}T000000.000Z`);
  assert.equal(readdirSync(directory).toSorted(), [...names, 'state.other']);
});

test.run();

/** Rotation that is quicker than the looks at the files: what has happened between two of them, or within one. */
import {
  appendFileSync,
  copyFileSync,
  readFileSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { gzipSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { scene } from './test-rig.ts';
import type { Rig } from './test-rig.ts';

/** Do something when the directory was listed, and the first file is about to be looked at. */
function onceListed(rig: Rig, act: () => void): void {
  rig.beforeLook = () => {
    rig.beforeLook = () => {};
    act();
  };
}

const compress = (path: string, packed: string): void => {
  writeFileSync(packed, gzipSync(readFileSync(path)));
  unlinkSync(path);
};

scene('a copy in the inode that an older copy had: what was not read is read there, and once', async (rig, path) => {
  writeFileSync(path('app.log'), 'a long line of the first\n');
  await rig.look();
  rig.deliver();
  appendFileSync(path('app.log'), 'the rest of the first\n');
  copyFileSync(path('app.log'), path('app.log.1'));
  truncateSync(path('app.log'));
  await rig.look();
  appendFileSync(path('app.log'), 'the second\n');
  await rig.look();
  rig.deliver();
  appendFileSync(path('app.log'), 'more of the second\n');
  onceListed(rig, () => {
    copyFileSync(path('app.log.1'), path('old'));
    compress(path('old'), path('app.log.2.gz'));
    // The same file, as a file system gives a freed inode to the next file.
    copyFileSync(path('app.log'), path('app.log.1'));
    truncateSync(path('app.log'));
    appendFileSync(path('app.log'), 'the third\n');
  });
  await rig.finish();
  assert.equal(rig.messages, [
    'a long line of the first',
    'the rest of the first',
    'the second',
    'more of the second',
    'the third',
  ]);
  assert.is(rig.lost, 0);
});

scene('a copy in the inode of an older one, made before the last lines were read, is no new file', async (rig, path) => {
  writeFileSync(path('app.log'), 'the first\n');
  await rig.look();
  copyFileSync(path('app.log'), path('app.log.1'));
  truncateSync(path('app.log'));
  await rig.look();
  appendFileSync(path('app.log'), 'the second\nmore of the second\n');
  await rig.look();
  appendFileSync(path('app.log'), 'gone\n');
  onceListed(rig, () => {
    copyFileSync(path('app.log.1'), path('old'));
    compress(path('old'), path('app.log.2.gz'));
    writeFileSync(path('app.log.1'), 'the second\n');
    truncateSync(path('app.log'));
    appendFileSync(path('app.log'), 'the third\n');
  });
  await rig.finish();
  assert.equal(rig.messages, ['the first', 'the second', 'more of the second', 'the third']);
  assert.is(rig.lost, 0, 'nobody saw the last line');
});

test.run();

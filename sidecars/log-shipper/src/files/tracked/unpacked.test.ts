/** What a gzip file holds, unpacked a portion at a time. */
import { closeSync, fstatSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Unpacked } from './unpacked.ts';

const dir = mkdtempSync(join(tmpdir(), 'unpacked-'));
test.after(() => rmSync(dir, { recursive: true }));

/** Begun with, and with more than a portion before it. */
function begun(): Unpacked {
  const path = join(dir, 'app.log.gz');
  writeFileSync(path, gzipSync(Buffer.alloc(40 * 1024 * 1024, 'line\n')));
  return new Unpacked(openSync(path, 'r'), dir, 0);
}

/** Resolves when a promise is settled, or too long was waited for it. */
const settled = (promise: Promise<void>): Promise<string> => {
  const { promise: late, resolve } = Promise.withResolvers<string>();
  const timer = setTimeout(() => resolve('pending'), 10_000);
  return Promise.race([promise.then(() => 'done'), late]).finally(() => clearTimeout(timer));
};

for (const turns of [0, 1, 5, 50])
  test(`closed ${turns} turns after a portion was requested, it ends and writes to no other file`, async () => {
    const unpacked = begun();
    const portion = unpacked.more(0);
    for (let turn = 0; turn < turns; turn++) {
      const { promise, resolve } = Promise.withResolvers<void>();
      setImmediate(resolve);
      await promise;
    }
    unpacked.close();
    // Its descriptors are given to the next files that are opened.
    const others = Array.from({ length: 8 }, (_, index) => openSync(join(dir, `other-${index}`), 'w'));
    assert.is(await settled(portion), 'done');
    assert.is(await settled(unpacked.more(0)), 'done');
    assert.is(unpacked.ended, true);
    for (const fd of others) {
      assert.is(fstatSync(fd).size, 0);
      closeSync(fd);
    }
  });

test.run();

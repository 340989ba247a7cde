import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { untilNextLook } from './changes.ts';
import { TrackedFile } from './tracked/tracked-file.ts';

const intervals = { pollInterval: 250, scanInterval: 1000 };

/** Files that are open, read to their end, and changed at a time. */
const files = (count: number, changedAt: number): TrackedFile[] =>
  Array.from({ length: count }, (_, number) => {
    const tracked = new TrackedFile(String(number), '/logs/app.log', `1:${number}`, '/logs/app.log');
    return Object.assign(tracked, { fd: 3, unread: false, changedAt });
  });

test('a few files that changed lately are checked often, many only every FILE_POLL_INTERVAL', () => {
  const looks = [1, 40, 100, 300].map((count) => untilNextLook(files(count, 5000), 6000, intervals));
  assert.equal(looks, [40, 40, 100, 250]);
  assert.is(untilNextLook(files(1, 5000), 6000, { ...intervals, pollInterval: 10 }), 10);
});

test('quiet files are left to the next scan', () => {
  assert.is(untilNextLook(files(3, 5000), 15_000, intervals), 1000);
});

test.run();

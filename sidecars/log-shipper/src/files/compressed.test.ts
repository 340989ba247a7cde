/** Files that are rotated and compressed between two looks, or within one. */
import { createHook } from 'node:async_hooks';
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  renameSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { gzipSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { compress, onceListed, openFiles, scene } from './test-rig.ts';

scene('what was written, rotated and compressed between two looks is read, in its order', async (rig, path) => {
  rig.input.scan();
  // A file that no scan saw plain.
  writeFileSync(path('new.log'), 'N1\n');
  compress(path('new.log'), path('new.log.2.gz'));
  writeFileSync(path('new.log'), 'N2\n');
  compress(path('new.log'), path('new.log.1.gz'));
  writeFileSync(path('new.log'), 'N3\n');
  await rig.look();
  // A second truncation, before the first was seen.
  appendFileSync(path('new.log'), 'N4\n');
  compress(path('new.log'), path('new.log-20261121.gz'));
  writeFileSync(path('new.log'), 'N5, which is longer\n');
  compress(path('new.log'), path('new.log-20261122.gz'));
  writeFileSync(path('new.log'), 'N6\n');
  await rig.look();
  rig.deliver();
  rig.restart();
  await rig.finish();
  assert.equal(rig.messages, ['N1', 'N2', 'N3', 'N4', 'N5, which is longer', 'N6']);
  assert.is(rig.again, 0);
});

scene('compressed files that wait for their turn are not unpacked yet, however many there are', async (rig, path) => {
  rig.input.scan();
  const files = 50;
  for (let number = 0; number < files; number++) {
    writeFileSync(path(`${number}.log`), `line of ${number}\n`);
    compress(path(`${number}.log`), path(`${number}.log.1.gz`));
  }
  let unpacking = 0;
  const hook = createHook({ init: (_id, type) => void (unpacking += type === 'ZLIB' ? 1 : 0) }).enable();
  try {
    rig.input.scan();
    assert.is(unpacking, files, 'a first look at each');
    await rig.finish();
    assert.is(unpacking, 2 * files);
  } finally {
    hook.disable();
  }
  assert.is(rig.messages.length, files);
  assert.is(openFiles(rig.logs), 0);
});

for (const packed of [false, true])
  scene(
    `what logrotate's olddir moved elsewhere${packed ? ' and compressed' : ''} since the last look goes on there`,
    async (rig, path) => {
      mkdirSync(path('old'));
      for (const [truncated, within] of [
        ['between two scans', false],
        ['within one', true],
      ] as const) {
        writeFileSync(path('app.log'), `one ${truncated}\n`);
        await rig.look();
        appendFileSync(path('app.log'), 'two\n');
        const rotate = (): void => {
          const to = path(`old/app.log-2026112${within ? 2 : 1}`);
          copyFileSync(path('app.log'), to);
          truncateSync(path('app.log'));
          if (packed) compress(to, `${to}.gz`);
          appendFileSync(path('app.log'), `three ${truncated}\n`);
        };
        if (within) onceListed(rig, rotate);
        else {
          rig.input.scan();
          rotate();
        }
        await (within ? rig.look() : rig.input.step());
        await rig.finish();
        assert.equal(rig.messages.slice(-3), [`one ${truncated}`, 'two', `three ${truncated}`]);
        truncateSync(path('app.log'));
        await rig.finish();
      }
      assert.is(rig.messages.length, 6);
      assert.is(rig.again, 0);
      assert.is(rig.lost, 0);
    },
    { pattern: '**/*.log*' },
  );

scene('what moved at each look of a scan, and was compressed before the next scan, is read', async (rig, path) => {
  let time = Date.now();
  rig.wallClock = () => time;
  writeFileSync(path('other.log'), 'known\n');
  await rig.look();
  writeFileSync(path('app.log'), 'one\ntwo\n');
  utimesSync(path('app.log'), time / 1000 + 1, time / 1000 + 1);
  // The scan comes late: what was written before it is assumed to be known after it.
  time += 10_000;
  let moves = 0;
  const now = (): string => path(moves === 0 ? 'app.log' : `app.log.${moves}`);
  rig.beforeLook = (looked) => {
    if (looked !== now() || moves === 5) return;
    const before = now();
    moves += 1;
    renameSync(before, now());
    // logrotate makes the file before gzip begins.
    if (moves === 5) writeFileSync(path('app.log.5.gz'), '');
  };
  await rig.look();
  assert.is(moves, 5);
  compress(now(), path('app.log.5.gz'));
  utimesSync(path('app.log.5.gz'), time / 1000 - 9, time / 1000 - 9);
  await rig.finish();
  assert.equal(rig.messages, ['known', 'one', 'two']);
});

scene('what is written and compressed while a scan holds the file before it is read after it', async (rig, path) => {
  rig.input.scan();
  const before = Date.now() / 1000 - 1;
  writeFileSync(path('app.log'), 'one\n');
  utimesSync(path('app.log'), before, before);
  writeFileSync(path('other.log'), 'other\n');
  let looks = 0;
  rig.beforeLook = (looked) => {
    // It is opened as a candidate, and as a file to be read: by then the first one is known.
    if (looked !== path('other.log') || ++looks !== 2) return;
    compress(path('app.log'), path('app.log.2.gz'));
    utimesSync(path('app.log.2.gz'), before, before);
    writeFileSync(path('app.log.1.gz'), gzipSync('two\n'));
    writeFileSync(path('app.log'), 'three\n');
  };
  await rig.finish();
  assert.ok(looks >= 2);
  assert.equal(
    rig.messages.filter((each) => each !== 'other'),
    ['one', 'two', 'three'],
  );
});

scene(
  'a file of which the store has a part, compressed before the next process sees it, goes on there',
  async (rig, path) => {
    const [first, ...others] = ['zero', 'one', 'two', 'three'].map((each) => each.padEnd(20_000, '.'));
    writeFileSync(path('app.log'), `${first}\n`);
    await rig.look();
    rig.deliver();
    appendFileSync(path('app.log'), `${others.join('\n')}\n`);
    await rig.look();
    // All of it was read at once: what stood before the end of the second line was not noted.
    rig.deliver(2);
    compress(path('app.log'), path('app.log.1.gz'));
    rig.restart();
    await rig.finish();
    assert.equal(rig.messages, [first, ...others]);
    assert.is(rig.lost, 0);
  },
);

scene('a new file that grows while others are looked at, and is compressed at once, is read', async (rig, path) => {
  rig.input.scan();
  writeFileSync(path('app.log.1'), '\0'.repeat(3000));
  writeFileSync(path('other.log'), 'other\n');
  let looks = 0;
  rig.beforeLook = (looked) => {
    if (looked === path('other.log')) appendFileSync(path('app.log.1'), `${'\0'.repeat(2000)}one\n`);
    // It is opened as a candidate, and then to be read.
    if (looked !== path('app.log.1') || ++looks !== 2) return;
    rig.beforeLook = () => {};
    compress(path('app.log.1'), path('app.log.1.gz'));
  };
  await rig.finish();
  assert.equal(rig.messages.toSorted(), ['one', 'other']);
});

scene('a compressed file that is renamed while another is looked at is known all the same', async (rig, path) => {
  // Written shortly before the shipper began.
  const began = rig.registry.scannedAt;
  rig.wallClock = () => began;
  writeFileSync(path('b.log.1.gz'), gzipSync('old\n'));
  utimesSync(path('b.log.1.gz'), began / 1000 - 1, began / 1000 - 1);
  rig.input.scan();
  writeFileSync(path('a.log.1.gz'), gzipSync('new\n'));
  rig.beforeLook = (looked) => {
    if (looked === path('a.log.1.gz') && existsSync(path('b.log.1.gz')))
      renameSync(path('b.log.1.gz'), path('b.log.2.gz'));
  };
  await rig.finish();
  assert.equal(rig.messages, ['new']);
});

scene(
  'a compressed file that gives its name to another while others are looked at is known all the same',
  async (rig, path) => {
    const time = Date.now();
    rig.wallClock = () => time;
    writeFileSync(path('app.log'), 'one\n');
    writeFileSync(path('other.log'), 'other\n');
    await rig.look();
    // Written just before the last scan of this process.
    compress(path('app.log'), path('app.log.1.gz'));
    utimesSync(path('app.log.1.gz'), time / 1000, time / 1000);
    await rig.finish();
    rig.restart();
    onceListed(rig, () => {
      renameSync(path('app.log.1.gz'), path('app.log.2.gz'));
      writeFileSync(path('app.log.1.gz'), gzipSync(''));
    });
    await rig.finish();
    assert.equal(rig.messages.toSorted(), ['one', 'other']);
  },
);

scene(
  'a compressed file that is found late is read before all that came after it, wherever that is now',
  async (rig, path) => {
    const time = Date.now() / 1000;
    const write = (name: string, content: string | Buffer, seconds: number): void => {
      writeFileSync(path(name), content);
      utimesSync(path(name), time + seconds, time + seconds);
    };
    write('app.log.1', 'one\n', 2);
    write('app.log', 'two\n', 3);
    rig.input.scan();
    renameSync(path('app.log.1'), path('app.log.2'));
    write('app.log.1.gz', gzipSync('two\n'), 3);
    truncateSync(path('app.log'));
    write('app.log.3.gz', gzipSync('zero\n'), 1);
    await rig.finish();
    assert.equal(rig.messages, ['zero', 'one', 'two']);
  },
);

scene('a rotated file that nothing is left beside is known again when it is compressed', async (rig, path) => {
  writeFileSync(path('app.log.1'), 'one\n');
  writeFileSync(path('app.log-20261121'), 'other one\n');
  await rig.look();
  rig.deliver();
  appendFileSync(path('app.log.1'), 'two\n');
  appendFileSync(path('app.log-20261121'), 'other two\n');
  compress(path('app.log.1'), path('app.log.2.gz'));
  compress(path('app.log-20261121'), path('app.log-20261121.gz'));
  await rig.finish();
  rig.restart();
  await rig.finish();
  assert.equal(rig.messages.toSorted(), ['one', 'other one', 'other two', 'two']);
});

test.run();

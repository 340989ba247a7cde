/** Rotation that is quicker than the looks at the files: what has happened between two of them, or within one. */
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

scene(
  'a copy in the inode of an older one, made before the last lines were read, is no new file',
  async (rig, path) => {
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
  },
);

scene('a short copy that is compressed while it is looked at is no new file', async (rig, path) => {
  writeFileSync(path('app.log'), 'one\ntwo\n');
  await rig.look();
  writeFileSync(path('app.log.1'), 'one\n');
  onceListed(
    rig,
    () => {
      truncateSync(path('app.log'));
      compress(path('app.log.1'), path('app.log.1.gz'));
      appendFileSync(path('app.log'), 'three, a longer line\n');
    },
    path('app.log'),
  );
  await rig.finish();
  assert.equal(rig.messages, ['one', 'two', 'three, a longer line']);
});

scene('an original that is truncated while another file is searched for goes on in its copy', async (rig, path) => {
  writeFileSync(path('app.log'), 'the first\n');
  await rig.look();
  copyFileSync(path('app.log'), path('app.log.1'));
  truncateSync(path('app.log'));
  appendFileSync(path('app.log'), 'the second\n');
  await rig.look();
  copyFileSync(path('app.log.1'), path('old'));
  compress(path('old'), path('app.log.2.gz'));
  appendFileSync(path('app.log'), 'more of the second\n');
  copyFileSync(path('app.log'), path('app.log.1'));
  let looks = 0;
  rig.beforeLook = (looked) => {
    // The scan looks at what is known, and the search for the first looks once more.
    if (looked !== path('app.log') || ++looks !== 2) return;
    truncateSync(path('app.log'));
    appendFileSync(path('app.log'), 'the third\n');
  };
  await rig.finish();
  assert.equal(rig.messages, ['the first', 'the second', 'more of the second', 'the third']);
  assert.is(rig.lost, 0);
  assert.ok(looks >= 2);
});

scene('a new file that is truncated and grows while others are looked at is read after its copy', async (rig, path) => {
  writeFileSync(path('app.log'), 'one\n');
  writeFileSync(path('other.log'), 'other\n');
  onceListed(
    rig,
    () => {
      copyFileSync(path('app.log'), path('app.log.1'));
      truncateSync(path('app.log'));
      appendFileSync(path('app.log'), 'a longer line\n');
    },
    path('other.log'),
  );
  await rig.finish();
  assert.equal(
    rig.messages.filter((each) => each !== 'other'),
    ['one', 'a longer line'],
  );
});

scene(
  'what is found after the file that came after it is read before it, and before what comes next',
  async (rig, path) => {
    writeFileSync(path('app.log'), 'one\n');
    writeFileSync(path('app.log.2'), 'zero\n');
    // logrotate has made the file for the copy: there is nothing in it yet.
    writeFileSync(path('app.log.1'), '');
    onceListed(
      rig,
      () => {
        copyFileSync(path('app.log'), path('app.log.1'));
        truncateSync(path('app.log'));
        appendFileSync(path('app.log'), 'two, a longer line\n');
      },
      path('app.log'),
    );
    await rig.look();
    await rig.look();
    appendFileSync(path('app.log'), 'three\n');
    renameSync(path('app.log.2'), path('app.log.3'));
    renameSync(path('app.log.1'), path('app.log.2'));
    copyFileSync(path('app.log'), path('app.log.1'));
    truncateSync(path('app.log'));
    appendFileSync(path('app.log'), 'four\n');
    await rig.look();
    await rig.finish();
    assert.equal(rig.messages, ['zero', 'one', 'two, a longer line', 'three', 'four']);
  },
  { multiline: /^\S/ },
);

scene(
  'what is found late and is written to all the time does not hold up what came after it',
  async (rig, path) => {
    writeFileSync(path('app.log'), 'later\n and more\nlast\n');
    rig.input.scan();
    writeFileSync(path('app.log.1'), 'earlier\n');
    for (let round = 0; round < 10; round++) {
      appendFileSync(path('app.log.1'), `late ${round}\n`);
      rig.now += 500;
      await rig.look();
    }
    rig.deliver();
    assert.ok(rig.messages.includes('later\n and more'), rig.messages.join());
    assert.ok(rig.messages.indexOf('earlier') < rig.messages.indexOf('later\n and more'));
  },
  { multiline: /^\S/ },
);

scene(
  'a copy that is shorter than what was read, and found by a search of its own, is no new file',
  async (rig, path) => {
    writeFileSync(path('app.log'), 'one\ntwo\nthree\n');
    await rig.look();
    rig.deliver();
    rig.restart();
    writeFileSync(path('app.log.1'), 'one\ntwo\n');
    renameSync(path('app.log'), path('removed'));
    await rig.finish();
    assert.equal(rig.messages, ['one', 'two', 'three']);
  },
);

scene(
  'a copy whose original is truncated and renamed while it is looked at is no new file',
  async (rig, path) => {
    writeFileSync(path('app.log'), 'one\n');
    writeFileSync(path('other.log'), 'other\n');
    await rig.look();
    rig.deliver();
    appendFileSync(path('app.log'), 'two\n');
    copyFileSync(path('app.log'), path('app.log.1'));
    // One file is held open, and this is the last.
    appendFileSync(path('other.log'), 'more\n');
    let opened = false;
    let acts = 0;
    rig.beforeLook = (looked) => {
      if (looked === path('app.log.1')) opened = true;
      if (!opened || looked !== path('app.log') || acts++ > 0) return;
      truncateSync(path('app.log'));
      renameSync(path('app.log'), path('removed'));
      writeFileSync(path('app.log'), 'three, a longer line\n');
    };
    await rig.finish();
    assert.ok(acts > 0);
    assert.equal(
      rig.messages.filter((each) => each !== 'other' && each !== 'more'),
      ['one', 'two', 'three, a longer line'],
    );
  },
  { maxOpen: 1 },
);

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

scene('what was compressed before, put back from a backup, or left out is not read', async (rig, path) => {
  writeFileSync(path('app.log.9.gz'), gzipSync('history\n'));
  utimesSync(path('app.log.9.gz'), 1000, 1000);
  await rig.look();
  writeFileSync(path('app.log'), 'one\n');
  await rig.look();
  compress(path('app.log'), path('app.log.1.gz'));
  writeFileSync(path('app.log'), 'two\n');
  await rig.finish();
  copyFileSync(path('app.log.1.gz'), path('app.log.5.gz'));
  writeFileSync(path('app.log.6.gz'), gzipSync('old\n'));
  utimesSync(path('app.log.6.gz'), 1000, 1000);
  writeFileSync(path('archive.log.gz'), gzipSync('by no name of rotation\n'));
  await rig.finish();
  rig.restart();
  await rig.finish();
  assert.equal(rig.messages, ['one', 'two']);
  assert.is(rig.again, 0);
});

for (const acknowledged of [0, 1])
  scene(
    `a file that begins with a long hole is known by its beginning after a kill, ${acknowledged} acknowledged`,
    async (rig, path) => {
      writeFileSync(path('app.log'), '');
      // Longer than all that is looked through at once.
      truncateSync(path('app.log'), 5 * 1024 * 1024);
      await rig.look();
      appendFileSync(path('app.log'), 'one\ntwo\n');
      await rig.look();
      rig.deliver(1, acknowledged);
      rig.restart();
      copyFileSync(path('app.log'), path('app.log.1'));
      truncateSync(path('app.log'));
      appendFileSync(path('app.log'), 'three\n');
      await rig.finish();
      assert.equal(rig.messages, ['one', 'two', 'three']);
      assert.is(rig.lost, 0);
    },
  );

scene(
  'a file whose first byte was seen alone is not taken for all that begin with it, after a kill',
  async (rig, path) => {
    writeFileSync(path('app.log'), '2');
    await rig.look();
    appendFileSync(path('app.log'), '026-11-21 one\n');
    await rig.look();
    rig.deliver();
    rig.restart();
    // Written and compressed while nobody looked.
    appendFileSync(path('app.log'), '2026-11-21 two\n');
    compress(path('app.log'), path('app.log.2.gz'));
    writeFileSync(path('app.log.1.gz'), gzipSync('2026-11-22 three\n'));
    writeFileSync(path('app.log'), '2026-11-23 four\n');
    await rig.finish();
    assert.equal(rig.messages, ['2026-11-21 one', '2026-11-21 two', '2026-11-22 three', '2026-11-23 four']);
    assert.is(rig.lost, 0);
  },
);

for (const [killed, form] of [
  ['before it is truncated', 'plain'],
  ['before it is truncated', 'compressed'],
  ['before it is truncated, and then again', 'plain'],
  ['before it is truncated, and then again', 'compressed'],
  ['when it was truncated', 'plain'],
  ['when it was truncated', 'compressed'],
] as const)
  scene(
    `an event whose end was not copied does not go on in the next file, killed ${killed}, its copy ${form}`,
    async (rig, path) => {
      // Longer than what a file's beginning is known by, so that this is the same in the copy.
      const first = '2026-11-21 one'.padEnd(2000, '.');
      writeFileSync(path('app.log'), `${first}\n`);
      await rig.look();
      copyFileSync(path('app.log'), path('app.log.1'));
      // Not copied: the one ends the event before it, the other is read no more.
      appendFileSync(path('app.log'), '2026-11-21 lost\n2026-11-21 lost\n');
      await rig.look();
      // In the store, and nobody heard that: its id is taken.
      rig.deliver(1, 0);
      if (killed !== 'when it was truncated') rig.restart();
      truncateSync(path('app.log'));
      if (killed === 'when it was truncated') {
        await rig.look();
        rig.restart();
      }
      appendFileSync(path('app.log'), '  at two\n2026-11-22 three\n');
      if (form === 'compressed') compress(path('app.log.1'), path('app.log.1.gz'));
      if (killed === 'before it is truncated, and then again') {
        await rig.look();
        rig.restart();
      }
      await rig.finish();
      assert.equal(rig.messages, [first, '  at two', '2026-11-22 three']);
    },
    { multiline: /^\d/ },
  );

scene('a file that is compressed before it is seen, and begins as the next one does, is read', async (rig, path) => {
  await rig.look();
  writeFileSync(path('app.log'), 'started\nfirst\n');
  compress(path('app.log'), path('app.log.1.gz'));
  writeFileSync(path('app.log'), 'started\n');
  await rig.finish();
  assert.equal(rig.messages, ['started', 'first', 'started']);
});

scene('a file that grew, and was compressed since the scan looked, is read once', async (rig, path) => {
  writeFileSync(path('app.log'), 'started\n');
  await rig.look();
  rig.now += 1000;
  onceListed(rig, () => {
    appendFileSync(path('app.log'), 'first\n');
    compress(path('app.log'), path('app.log.1.gz'));
    writeFileSync(path('app.log'), 'started\n');
  });
  await rig.finish();
  assert.equal(rig.messages, ['started', 'first', 'started']);
});

test.run();

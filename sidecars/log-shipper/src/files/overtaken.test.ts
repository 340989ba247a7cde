/** Rotation that is quicker than the looks at the files: what has happened between two of them, or within one. */
import { appendFileSync, copyFileSync, renameSync, truncateSync, writeFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { compress, onceListed, scene } from './test-rig.ts';

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

test.run();

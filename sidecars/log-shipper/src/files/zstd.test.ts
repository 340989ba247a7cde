/** Rotated files that logrotate compresses with zstd (`compresscmd zstd`, `compressext .zst`): read as gzip files are. */
import {
  appendFileSync,
  copyFileSync,
  readFileSync,
  renameSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { scene } from './test-rig.ts';

const { zstdCompressSync } = process.getBuiltinModule('node:zlib');

/** As zstd --rm does. */
function compress(path: string): void {
  writeFileSync(`${path}.zst`, zstdCompressSync(readFileSync(path)));
  unlinkSync(path);
}

const CONTENTS = {
  'a few lines': 'two\nthree\n',
  'a million equal bytes': `${'x'.repeat(1000)}\n`.repeat(1000),
  'more than a block that zstd cannot make smaller': `${Array.from(
    { length: 5000 },
    (_, line) =>
      `${Array.from({ length: 6 }, (__, at) => ((line + 1) * 7919 * (at + 13) ** 5).toString(36)).join(' ')}`,
  ).join('\n')}\n`,
};

for (const [name, rest] of Object.entries(CONTENTS))
  for (const begun of [true, false])
    scene(
      `${name}, ${begun ? 'begun with and then' : 'not seen before they were'} rotated and compressed`,
      async (rig, path) => {
        await rig.look();
        if (begun) {
          writeFileSync(path('app.log'), 'one\n');
          await rig.look();
        } else {
          writeFileSync(path('app.log'), 'zero\n');
          await rig.finish();
          truncateSync(path('app.log'));
        }
        if (!begun) appendFileSync(path('app.log'), 'one\n');
        appendFileSync(path('app.log'), rest);
        copyFileSync(path('app.log'), path('app.log.1'));
        truncateSync(path('app.log'));
        compress(path('app.log.1'));
        await rig.finish();
        appendFileSync(path('app.log'), 'last\n');
        await rig.finish();
        const all = [...(begun ? [] : ['zero']), 'one', ...rest.split('\n').slice(0, -1), 'last'];
        assert.is(rig.messages.join('\n'), all.join('\n'));
        assert.is(rig.lost, 0);
        assert.is(rig.again, 0);
      },
    );

scene('a file of several frames, as zstd appends them, is read to its end', async (rig, path) => {
  writeFileSync(path('app.log'), 'one\n');
  await rig.look();
  rig.deliver();
  writeFileSync(
    path('app.log.1.zst'),
    Buffer.concat(['one\n', 'two\n', 'three\n'].map((part) => zstdCompressSync(part))),
  );
  unlinkSync(path('app.log'));
  rig.restart();
  await rig.finish();
  assert.equal(rig.messages, ['one', 'two', 'three']);
});

scene('a file that is still being compressed beside the plain one is not taken for a new one', async (rig, path) => {
  writeFileSync(path('app.log'), 'one\n');
  await rig.look();
  rig.deliver();
  appendFileSync(path('app.log'), 'two\n');
  renameSync(path('app.log'), path('app.log.1'));
  writeFileSync(path('app.log'), 'three\n');
  const packed = zstdCompressSync(readFileSync(path('app.log.1')));
  writeFileSync(path('app.log.1.zst'), packed.subarray(0, 6));
  rig.restart();
  await rig.look();
  writeFileSync(path('app.log.1.zst'), packed);
  unlinkSync(path('app.log.1'));
  await rig.finish();
  assert.equal(rig.messages, ['one', 'two', 'three']);
  assert.is(rig.again, 0);
});

scene('a damaged file loses what it held, and holds up nothing', async (rig, path) => {
  writeFileSync(path('app.log'), 'one\n');
  await rig.look();
  appendFileSync(path('app.log'), 'two\n');
  rig.input.scan();
  const packed = zstdCompressSync(readFileSync(path('app.log')));
  packed[packed.length - 5]! ^= 255;
  writeFileSync(path('app.log.1.zst'), packed.subarray(0, packed.length - 4));
  truncateSync(path('app.log'));
  appendFileSync(path('app.log'), 'three\n');
  await rig.finish();
  assert.equal(rig.messages, ['one', 'three']);
  assert.is(rig.lost, 'two\n'.length);
});

test.run();

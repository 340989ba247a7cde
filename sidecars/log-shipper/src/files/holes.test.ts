/** NUL bytes that nobody wrote: holes before lines, and space that was allocated ahead. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, copyFileSync, truncateSync, writeFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { scene } from './test-rig.ts';

scene('copytruncate under a writer that keeps its place stores no NUL', async (rig, path) => {
  writeFileSync(path('a.log'), 'one\n');
  await rig.look();
  copyFileSync(path('a.log'), path('a.log.1'));
  truncateSync(path('a.log'));
  execFileSync('dd', [`of=${path('a.log')}`, 'seek=300000', 'bs=1', 'conv=notrunc', 'status=none'], { input: 'two\n' });
  await rig.look();
  appendFileSync(path('a.log'), 'three\n');
  await rig.finish();
  assert.equal(rig.messages, ['one', 'two', 'three']);
});

scene('space that was allocated ahead is not a line, and what is written there is read once', async (rig, path) => {
  const size = 256 * 1024;
  writeFileSync(path('a.log'), Buffer.alloc(size));
  let written = 0;
  const write = (text: string): void => {
    execFileSync('dd', [`of=${path('a.log')}`, `seek=${written}`, 'bs=1', 'conv=notrunc', 'status=none'], {
      input: text,
    });
    written += text.length;
  };
  for (let line = 0; line < 60; line++) {
    write(`line ${line} ${'z'.repeat(40)}\n`);
    await rig.look();
    rig.deliver();
    rig.now += 70_000;
  }
  await rig.finish();
  assert.equal(
    rig.messages.map((message) => message.split(' ')[1]),
    Array.from({ length: 60 }, (_, at) => String(at)),
  );
  assert.is([...rig.table.trackedFiles][0]!.lag, 0, 'nothing is behind');
});

scene('a hole of half a gigabyte does not hold up anything else', async (rig, path) => {
  writeFileSync(path('hole.log'), 'begin\n');
  truncateSync(path('hole.log'), 5e8);
  appendFileSync(path('hole.log'), 'end\n');
  let longest = 0;
  let last = performance.now();
  const watch = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 1);
  await rig.look();
  clearInterval(watch);
  rig.deliver();
  await rig.finish();
  assert.equal(rig.messages, ['begin', 'end']);
  assert.ok(longest < 5000, `${longest} ms`);
});

test.run();

/** Which pipeline a file's lines go through, whatever happens to the file. */
import { appendFileSync, copyFileSync, renameSync, truncateSync, writeFileSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { test } from 'uvu';
import { Documents } from '../../lines/document.ts';
import { Rules } from '../../lines/rules.ts';
import { Splitter } from '../../lines/splitter.ts';
import { parseGlob } from '../../pipelines/glob.ts';
import type { Pipeline } from './pipelines.ts';
import { Records } from './records.ts';
import { type Rig, scene } from '../test-rig.ts';

/** A pipeline whose lines tell that they went through it. */
const pipelineOf = (path: string, name: string, multiline?: RegExp): Pipeline => ({
  globs: [parseGlob(path)],
  records: new Records({
    documents: new Documents({
      rules: new Rules({ LINE_DROP: undefined, LINE_REDACT: undefined, LINE_REDACT_WITH: '' }),
      limit: 64 * 1024,
      ours: [],
    }),
    splitter: new Splitter(multiline),
    limit: 64 * 1024,
    members: `"by":"${name}",`,
    index: `index-${name}`,
    skipped: () => {},
    cut: () => {},
  }),
});

/** What the store holds: pipeline, index and text of each event. */
const stored = (rig: Rig): (string | undefined)[][] =>
  [...rig.store.values()].map(({ body, index }) => {
    const { by, message } = JSON.parse(body) as { by?: string; message: string };
    return [by, index, message];
  });

const through = (...messages: string[]): string[][] => messages.map((each) => ['app', 'index-app', each]);

scene(
  'a file stays in its pipeline when it is rotated to a name that the pattern does not match',
  async (rig, path) => {
    rig.restart({ pipelines: [pipelineOf(path('app.log'), 'app', /^\S/), pipelineOf(path('*'), 'other')] });
    writeFileSync(path('app.log'), 'one\n  more\ntwo\n');
    await rig.look();
    rig.deliver();
    renameSync(path('app.log'), path('app.log.1'));
    appendFileSync(path('app.log.1'), '  of two\nlate\n');
    writeFileSync(path('app.log'), '  of late\nnew\n');
    await rig.finish();
    assert.equal(stored(rig), through('one\n  more', 'two\n  of two', 'late\n  of late', 'new'));
  },
);

scene('also when the shipper was killed meanwhile, and by copytruncate', async (rig, path) => {
  const pipelines = [pipelineOf(path('app.log'), 'app')];
  rig.restart({ pipelines });
  writeFileSync(path('app.log'), 'one\ntwo\n');
  await rig.look();
  rig.deliver(1);
  // A name that may be a file's own: what it was called before is known by the registry alone.
  renameSync(path('app.log'), path('app-1.log'));
  writeFileSync(path('app.log'), 'three\n');
  rig.restart({ pipelines });
  await rig.finish();
  appendFileSync(path('app.log'), 'four\n');
  copyFileSync(path('app.log'), path('app.log.2'));
  truncateSync(path('app.log'));
  await rig.finish();
  assert.equal(stored(rig), through('one', 'two', 'three', 'four'));
});

scene('a rotated file that was never seen by its first name is in the pipeline of that name', async (rig, path) => {
  rig.restart({ pipelines: [pipelineOf(path('app.log'), 'app')] });
  writeFileSync(path('app.log.1'), 'one\n');
  writeFileSync(path('web.log.1'), 'two\n');
  await rig.finish();
  assert.equal(
    new Map(stored(rig).map(([by, , message]) => [message, by])),
    new Map([
      ['one', 'app'],
      ['two', undefined],
    ]),
  );
});

scene('the first that names a file decides', async (rig, path) => {
  rig.restart({ pipelines: [pipelineOf(path('a*.log'), 'app'), pipelineOf(path('app.log'), 'later')] });
  writeFileSync(path('app.log'), 'one\n');
  await rig.finish();
  assert.equal(stored(rig), through('one'));
});

scene('what was read keeps its ids when a pipeline is added, and nothing is read again', async (rig, path) => {
  writeFileSync(path('app.log'), 'one\ntwo\nthree\n');
  await rig.look();
  // The store has all three, the shipper heard of one.
  rig.deliver(3, 1);
  rig.restart({ pipelines: [pipelineOf(path('app.log'), 'app')] });
  appendFileSync(path('app.log'), 'four\n');
  await rig.finish();
  assert.equal(rig.messages, ['one', 'two', 'three', 'four']);
  assert.is(rig.again, 2);
  assert.equal(stored(rig).at(-1), through('four')[0]);
});

test.run();

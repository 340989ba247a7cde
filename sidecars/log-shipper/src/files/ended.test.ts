/** Events that time has ended: what comes later is an event of its own, whatever a killed process heard of the store. */
import { appendFileSync, renameSync, truncateSync, writeFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { scene, type Rig } from './test-rig.ts';

/** Its time is over: it is sent and stored, and the process is killed before it hears so. */
async function storedUnheard(rig: Rig, count: number): Promise<void> {
  for (let round = 0; round < 4; round++) {
    await rig.look();
    rig.now += 20_000;
  }
  assert.is(rig.waiting.length, count);
  rig.deliver(count, 0);
}

const multiline = { multiline: /^\S/ };

scene(
  'an event of several lines that goes on after its time, and a kill',
  async (rig, path) => {
    writeFileSync(path('app.log'), 'one\nfirst\n second\n');
    await storedUnheard(rig, 2);
    appendFileSync(path('app.log'), ' third\n');
    rig.restart();
    await storedUnheard(rig, 3);
    appendFileSync(path('app.log'), ' fourth\nnext\n');
    rig.restart();
    await rig.finish();
    assert.equal(rig.messages, ['one', 'first\n second', ' third', ' fourth', 'next']);
  },
  multiline,
);

scene('a line without its end that is completed after its time, and a kill', async (rig, path) => {
  writeFileSync(path('app.log'), 'one\nbegin');
  await rig.look();
  rig.now += 61_000;
  await storedUnheard(rig, 2);
  appendFileSync(path('app.log'), 'ning\nnext\n');
  rig.restart();
  await rig.finish();
  assert.equal(rig.messages, ['one', 'begin', 'ning', 'next']);
});

scene(
  'an event longer than what is read at once',
  async (rig, path) => {
    const long = `first\n${' line of a long event\n'.repeat(20_000)}`;
    writeFileSync(path('app.log'), long);
    await storedUnheard(rig, 1);
    appendFileSync(path('app.log'), ' later\nnext\n');
    rig.restart();
    await rig.finish();
    assert.equal(rig.messages.slice(1), [' later', 'next']);
    assert.ok(rig.messages[0]!.startsWith('first\n line'));
  },
  multiline,
);

scene(
  'an event whose lines are in two files',
  async (rig, path) => {
    writeFileSync(path('app.log'), 'first\n');
    await rig.look();
    renameSync(path('app.log'), path('app.log.1'));
    writeFileSync(path('app.log'), ' second\n');
    await storedUnheard(rig, 1);
    appendFileSync(path('app.log'), ' third\nnext\n');
    rig.restart();
    await rig.finish();
    assert.equal(rig.messages, ['first\n second', ' third', 'next']);
  },
  multiline,
);

scene(
  'an event that ended with its file, and goes on in the next',
  async (rig, path) => {
    writeFileSync(path('app.log'), 'first\n');
    await storedUnheard(rig, 1);
    renameSync(path('app.log'), path('app.log.1'));
    writeFileSync(path('app.log'), ' second\nnext\n');
    rig.restart();
    await rig.finish();
    assert.equal(rig.messages, ['first', ' second', 'next']);
  },
  multiline,
);

for (const gone of ['removed', 'truncated'])
  scene(
    `an event whose lines are in two files, of which the later is ${gone}: what comes after is no part of it`,
    async (rig, path) => {
      writeFileSync(path('app.log'), 'first\n');
      await rig.look();
      renameSync(path('app.log'), path('app.log.1'));
      writeFileSync(path('app.log'), ' second\nthird\n');
      await rig.look();
      rig.now += 1500;
      await rig.look();
      assert.is(rig.waiting.length, 1);
      rig.deliver(1, 0);
      if (gone === 'truncated') truncateSync(path('app.log'));
      else renameSync(path('app.log'), path('removed'));
      appendFileSync(path('app.log'), ' later\nnext\n');
      rig.restart();
      await rig.finish();
      assert.equal(rig.messages, ['first\n second', ' later', 'next']);
    },
    multiline,
  );

test.run();

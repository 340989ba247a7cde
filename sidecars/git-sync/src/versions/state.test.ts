/** The state on disk: whatever a disk makes of it, there is a state; and what is set is there after a crash. */
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { onMachine, ROOT } from '#kit/testing/simulation/install.ts';
import { Machine } from '#kit/testing/simulation/machine.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { Records } from './records.ts';
import { StateFile } from './state.ts';

const HASH = 'a'.repeat(40);

test('what is set is found again, by itself and by the next run', () => {
  const path = join(temporaryDirectory('git-sync-state'), 'state.json');
  const state = new StateFile(path, false);
  assert.not(state.damaged);
  state.set({ verified: HASH, previous: HASH, retired: { [HASH]: 1 } });
  state.set({ previous: undefined });
  assert.equal(state.get(), { notified: {}, verified: HASH, retired: { [HASH]: 1 } });
  assert.equal(new StateFile(path, true).get(), state.get());
  assert.is(statSync(path).mode & 0o777, 0o600);
  const { mtimeNs } = statSync(path, { bigint: true });
  state.set({ verified: HASH });
  assert.is(statSync(path, { bigint: true }).mtimeNs, mtimeNs, 'nothing is written when nothing changed');
});

test('a power cut takes nothing of what was set', async () => {
  const path = `${ROOT}/state.json`;
  const machine = new Machine(1);
  await onMachine(machine, () => {
    machine.files.mkdir(ROOT);
    machine.files.forgetNames(1);
    for (const verified of [HASH, 'b'.repeat(40)]) {
      machine.boot(() => new StateFile(path, true).set({ verified }));
      machine.kill();
      machine.files.forgetNames(0);
      machine.files.crash(ROOT, () => 0);
      let found: unknown;
      machine.boot(() => {
        found = new StateFile(path, true).get();
      });
      assert.equal(found, { notified: {}, retired: {}, verified });
    }
    return Promise.resolve();
  });
});

test('whatever is in the file, there is a state that can be used', () => {
  const path = join(temporaryDirectory('git-sync-state'), 'state.json');
  const field = fc.constantFrom('published', 'previous', 'verified', 'refused', 'notified', 'retired', 'other');
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json(),
        fc.dictionary(field, fc.jsonValue()).map((value) => JSON.stringify(value)),
      ),
      (text) => {
        writeFileSync(path, text);
        const state = new StateFile(path, true).get();
        for (const hash of [state.previous, state.verified, state.published?.hash, state.refused?.hash]) {
          assert.ok(hash === undefined || hash.length === 40 || hash.length === 64);
        }
        for (const times of [state.notified, state.retired])
          assert.ok(Object.values(times).every((time) => typeof time === 'number'));
      },
    ),
  );
});

test('a record counts for its own version, under this start of the machine or once it is durable', () => {
  const directory = temporaryDirectory('git-sync-records');
  const records = new Records(directory, 'this start');
  records.index(HASH);
  assert.is(records.read(HASH), undefined);
  records.write({ hash: HASH, inode: 7, shared: true, place: 0, rule: 'r', modules: [] });
  assert.is(records.read(HASH)?.inode, 7);
  const later = new Records(directory, 'another start');
  assert.is(later.read(HASH), undefined);
  records.markDurable(HASH);
  assert.is(later.read(HASH)?.inode, 7);
  const other = 'b'.repeat(40);
  mkdirSync(join(directory, other));
  writeFileSync(join(directory, other, 'record.json'), readFileSync(join(directory, HASH, 'record.json')));
  assert.is(records.read(other), undefined, 'a record of another version');
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      writeFileSync(join(directory, other, 'record.json'), text);
      assert.is(records.read(other), undefined);
    }),
  );
});

test.run();

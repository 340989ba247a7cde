/** The file of purges that the disk has not followed yet. */
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { PurgeJournal } from './journal.ts';

test('a closed journal does nothing to the file that is opened next', () => {
  const directory = temporaryDirectory('cache-journal');
  const journal = new PurgeJournal(join(directory, 'purges'));
  assert.ok(journal.add({ serial: 1, which: { tag: 'a' } }));
  journal.close();
  const other = join(directory, 'other');
  writeFileSync(other, 'kept');
  // It gets the number that the journal's file had.
  const next = openSync(other, 'a');
  // A deletion that was under way at the end asks for this.
  journal.clear();
  assert.not(journal.add({ serial: 2, which: { tag: 'b' } }));
  journal.close();
  closeSync(next);
  assert.is(readFileSync(other, 'utf8'), 'kept');
  assert.equal(
    PurgeJournal.read(join(directory, 'purges'))!.map(({ serial }) => serial),
    [1],
  );
});

test.run();

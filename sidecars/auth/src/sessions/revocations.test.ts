/** The list of ended sessions on disk: whatever became of it, the sidecar starts, and nobody ended gets in again. */
import { readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { Revocations } from './revocations.ts';

const LIFETIME = 10_000;
const FILE = 'revocations.jsonl';
const session = (id: string, createdAt: number): { id: string; sid: undefined; sub: string; createdAt: number } => ({
  id,
  sid: undefined,
  sub: `user of ${id}`,
  createdAt,
});

/** A directory with some ended sessions in it. */
async function written(): Promise<{ directory: string; path: string }> {
  const directory = temporaryDirectory('revocations');
  const revocations = await Revocations.open(directory, LIFETIME, () => 1000);
  for (const id of ['a', 'b', 'c']) await revocations.add('id', id);
  return { directory, path: join(directory, FILE) };
}

test('a list that is cut or garbled is no end of a start, and none of its sessions is good again', async () => {
  const { path } = await written();
  const whole = readFileSync(path);
  await fc.assert(
    fc.asyncProperty(fc.nat(whole.length - 2), fc.nat(255), async (at, byte) => {
      const directory = temporaryDirectory('revocations');
      const damaged = Buffer.from(whole);
      damaged[at] = byte;
      writeFileSync(join(directory, FILE), damaged);
      const found = await Revocations.open(directory, LIFETIME, () => 2000);
      if (found.damaged === undefined) return;
      for (const id of ['a', 'b', 'c']) assert.ok(found.covers(session(id, 500)), id);
      assert.equal(readFileSync(found.damaged.aside), damaged, 'it is kept as it was');
    }),
    { numRuns: 100 },
  );
});

test('garbage ends all earlier sessions for good and no later one; a cut last line ends none', async () => {
  const { directory, path } = await written();
  writeFileSync(path, 'garbage\n');
  await Revocations.open(directory, LIFETIME, () => 2000);
  const again = await Revocations.open(directory, LIFETIME, () => 3000);
  assert.is(again.damaged, undefined);
  assert.equal([again.covers(session('x', 1999)), again.covers(session('x', 2001))], [true, false]);
  assert.is((await Revocations.open(directory, LIFETIME, () => 2001 + LIFETIME)).size, 0, 'forgotten in time');

  const cut = await written();
  truncateSync(cut.path, readFileSync(cut.path).length - 5);
  const found = await Revocations.open(cut.directory, LIFETIME, () => 2000);
  assert.equal([found.damaged, found.size], [undefined, 2]);
});

test('a list that is longer than any may be is set aside unread', async () => {
  const { directory, path } = await written();
  truncateSync(path, 3 * 1024 ** 3);
  const found = await Revocations.open(directory, LIFETIME, () => 2000);
  assert.match(found.damaged!.reason, /is longer than/);
  assert.is(readdirSync(directory).length, 2);
  assert.ok(found.covers(session('a', 500)));
});

test.run();

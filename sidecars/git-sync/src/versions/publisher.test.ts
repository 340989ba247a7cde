/** Publication in both modes, and what a crash in the middle leaves. */
import {
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { layOut, type Layout } from './layout.ts';
import { Publisher, type Exchange, type PublishMode } from './publisher.ts';
import { Records } from './records.ts';

const [A, B, C] = ['a', 'b', 'c'].map((letter) => letter.repeat(40)) as [string, string, string];

/** Not in one step, as the real one is, which a container shows; but with the same end. */
const exchange: Exchange = async (a, b) => {
  const aside = `${a}.aside`;
  renameSync(a, aside);
  renameSync(b, a);
  renameSync(aside, b);
};

class Crash extends Error {}
const crashAfter: Exchange = async (a, b) => {
  await exchange(a, b);
  throw new Crash();
};

interface Place {
  readonly layout: Layout;
  readonly records: Records;
  readonly make: (hash: string) => void;
  readonly publisher: (mode: PublishMode, by?: Exchange) => Publisher;
  readonly read: () => string;
}

function place(link = 'live'): Place {
  const layout = layOut(join(temporaryDirectory('git-sync-publisher'), 'root'), link);
  for (const path of [layout.versions, layout.records]) mkdirSync(path, { recursive: true });
  const records = new Records(layout.records);
  return {
    layout,
    records,
    make: (hash) => {
      const directory = join(layout.versions, hash);
      mkdirSync(directory);
      writeFileSync(join(directory, 'file'), hash);
      records.index(hash);
      records.write({ hash, inode: statSync(directory).ino, place: 0, shared: false, rule: 'r', modules: [] });
    },
    publisher: (mode, by = exchange) => new Publisher(layout, records, mode, by),
    read: () => readFileSync(join(layout.link, 'file'), 'utf8'),
  };
}

for (const mode of ['link', 'exchange'] as const) {
  test(`${mode}: versions take each other's place, and go back`, async () => {
    const { layout, make, publisher, read } = place();
    const it = publisher(mode);
    assert.is(it.live(), undefined);
    for (const hash of [A, B, C]) {
      make(hash);
      await it.publish(hash);
      assert.equal([it.live(), read()], [hash, hash]);
      assert.is(readFileSync(join(it.locate(hash), 'file'), 'utf8'), hash);
    }
    await it.publish(A);
    await it.publish(A);
    assert.equal([it.live(), read()], [A, A]);
    assert.equal(it.list().toSorted(), [A, B, C]);
    for (const hash of [B, C])
      assert.is(readFileSync(join(it.directory(hash), 'file'), 'utf8'), hash, 'each under its own name');
    assert.is(lstatSync(layout.link).isSymbolicLink(), mode === 'link');
  });
}

test('exchange: a crash right after the exchange is put in order', async () => {
  const { layout, make, publisher, read } = place();
  make(A);
  await publisher('exchange').publish(A);
  make(B);
  await publisher('exchange', crashAfter)
    .publish(B)
    .catch(() => {});
  const next = publisher('exchange');
  assert.is(next.live(), B, 'known by its inode, not by a name');
  next.settle();
  assert.equal([next.live(), read()], [B, B]);
  assert.equal(readdirSync(layout.versions), [A]);
  assert.ok(next.has(A));
});

test('exchange: after a power cut a directory that cannot be trusted gives way to the next', async () => {
  const { layout, make, publisher, read } = place();
  make(A);
  await publisher('exchange').publish(A);
  const records = new Records(layout.records, 'another start');
  const next = new Publisher(layout, records, 'exchange', exchange);
  assert.equal([next.live(), next.occupant()], [undefined, A]);
  make(B);
  records.write({ ...new Records(layout.records).read(B)!, hash: B });
  await next.publish(B);
  assert.equal([next.live(), read()], [B, B]);
});

test('one mode takes over from the other, both ways', async () => {
  const { layout, make, publisher, read } = place();
  make(A);
  make(B);
  await publisher('link').publish(A);
  const directories = publisher('exchange');
  assert.ok(directories.isOfOtherMode());
  await directories.publish(B);
  assert.equal([directories.live(), read(), lstatSync(layout.link).isDirectory()], [B, B, true]);
  assert.equal(readdirSync(layout.versions), [A]);
  const links = publisher('link');
  assert.ok(links.isOfOtherMode());
  await links.publish(B);
  assert.equal([links.live(), read(), lstatSync(layout.link).isSymbolicLink()], [B, B, true]);
  await links.publish(A);
  assert.is(read(), A);
});

test('what is not ours at the link is not touched', async () => {
  for (const mode of ['link', 'exchange'] as const) {
    const { layout, make, publisher } = place();
    make(A);
    mkdirSync(layout.link);
    writeFileSync(join(layout.link, 'precious'), 'x');
    const failed = await publisher(mode)
      .publish(A)
      .catch((error: Error) => error.message);
    assert.match(String(failed), /live is a directory that this sidecar did not make/);
    assert.ok(statSync(join(layout.link, 'precious')));
  }
});

test('a link that leads to something without a record is not live', () => {
  const { layout, make, publisher, records } = place();
  const it = publisher('link');
  make(A);
  for (const target of ['/etc', '.worktrees', `.worktrees/${B}`, `.worktrees/${A}/file`, `/elsewhere/${A}`]) {
    rmSync(layout.link, { force: true });
    symlinkSync(target, layout.link);
    assert.is(it.live(), undefined, target);
  }
  rmSync(layout.link);
  symlinkSync(`.worktrees/${A}`, layout.link);
  assert.is(it.live(), A);
  records.remove(A);
  assert.is(it.live(), undefined, 'half-made');
});

test('a link may be elsewhere, but not where our own things are', async () => {
  const { make, publisher, read } = place('../outside/deep/live');
  make(A);
  await publisher('link').publish(A);
  assert.is(read(), A);
  for (const link of ['.', '..', '/', '.git', '.gitsync/x', '.worktrees/x', '/root/.git/x']) {
    assert.throws(() => layOut('/root', link), /is the root|its own files/, link);
  }
});

test.run();

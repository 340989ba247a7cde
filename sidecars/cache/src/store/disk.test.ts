/** The store on a disk: restarts, torn files, its limit, a disk that cannot be written. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { eventually } from '#kit/testing/eventually.ts';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { parseCacheControl } from '../policy/directives.ts';
import { fieldsOf } from '../policy/testing.ts';
import { DiskStore } from './disk.ts';
import { decode, encode, nameOf } from './disk-file.ts';
import { Store } from './store.ts';
import { Stored } from './stored.ts';

const NONE = fieldsOf([]);

function stored(key: string, body: string | Buffer = 'body', vary?: string, tags: string[] = []): Stored {
  return new Stored(
    {
      key,
      status: 200,
      lines: 'A: 1\r\n',
      selecting: vary === undefined ? [['v', undefined]] : [['v', vary]],
      tags,
      directives: parseCacheControl(fieldsOf([['Cache-Control', 'max-age=60']])),
      freshness: { lifetime: 60, source: 'explicit' },
      initialAge: 0,
      responseTime: 1000,
      staleSince: undefined,
    },
    Buffer.from(body),
  );
}

const warnings: unknown[] = [];
const evicted: string[] = [];
/** Bodies that are told to have left memory: while a client is given one, it counts. */
const left: Stored[] = [];
function onEvict(reason: string, _size: number, body?: Stored): void {
  evicted.push(reason);
  if (body !== undefined) left.push(body);
}
async function openStore(directory: string, { limit = 1e9, memory = 1e6, indexLimit = 1e7 } = {}) {
  const store = new Store({ memory, maxVariants: 8, onEvict });
  const disk = await DiskStore.open(
    {
      directory,
      limit,
      indexLimit,
      maxObject: 1e6,
      maxWaiting: 1e7,
      log: { info: () => {}, warn: (entry: unknown) => void warnings.push(entry) },
      onDamaged: () => evicted.push('damaged'),
    },
    (opened, entries) => {
      store.attach(opened, entries);
      return store;
    },
  );
  return { store, disk };
}
const files = (directory: string): string[] =>
  readdirSync(join(directory, 'objects'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
const bodyOf = async (store: Store, key: string, vary?: string): Promise<string | undefined> =>
  (await store.find(key, vary === undefined ? NONE : fieldsOf([['V', vary]])))?.body.toString();

test('what was written is there after a restart, each variant by itself, with what it says', async () => {
  const directory = temporaryDirectory('cache-disk');
  const { store, disk } = await openStore(directory);
  const all = [stored('http://a/'), stored('http://a/', 'one', '1', ['t']), stored('http://a/\nk=2', 'two')];
  for (const each of all) store.put(each);
  await disk.settled();
  const again = await openStore(directory);
  assert.equal([again.disk.count, again.disk.bytes], [3, 3 * 4096]);
  assert.equal(
    [
      await bodyOf(again.store, 'http://a/'),
      await bodyOf(again.store, 'http://a/', '1'),
      await bodyOf(again.store, 'http://a/', '9'),
    ],
    ['body', 'one', undefined],
  );
  assert.is(JSON.stringify((await again.store.find('http://a/', NONE))!.head), JSON.stringify(all[0]!.head));
  assert.equal(
    [{ tag: 't' }, { url: 'http://a/' }].map((which) => again.store.purge(which, undefined, 'purged')),
    [1, 2],
  );
});

test('a removed one stays away, a soft one stays soft, after a restart, too', async () => {
  const directory = temporaryDirectory('cache-disk');
  const { store, disk } = await openStore(directory);
  for (const key of ['http://a/1', 'http://a/2', 'http://a/3']) store.put(stored(key));
  // Before they are written.
  store.purge({ url: 'http://a/3' }, undefined, 'purged');
  await disk.settled();
  store.purge({ url: 'http://a/1' }, undefined, 'purged');
  store.purge({ url: 'http://a/2' }, 5000, 'purged');
  // Whether or not the files have been changed already.
  const again = await openStore(directory);
  assert.equal([again.disk.count, (await again.store.find('http://a/2', NONE))!.head.staleSince], [1, 5000]);
  await eventually('the file is gone', () => files(directory).length === 1);
});

test('a purge of what is queued for the disk, and has left memory, finds it', async () => {
  const directory = temporaryDirectory('cache-disk');
  const { store, disk } = await openStore(directory, { memory: 20_000 });
  const keys = Array.from({ length: 100 }, (_, index) => `http://a/${index}`);
  for (const key of keys) store.put(stored(key, 'x'.repeat(1000)));
  for (const key of keys) store.purge({ url: key }, undefined, 'purged');
  await disk.settled();
  for (const key of keys) assert.is(await bodyOf(store, key), undefined);
  const again = await openStore(directory);
  assert.is(again.disk.count, 0);
});

test('what is purged or softened while it is read from the disk is not given as it was', async () => {
  const directory = temporaryDirectory('cache-disk');
  const { store, disk } = await openStore(directory, { memory: 20_000 });
  for (const key of ['http://a/1', 'http://a/2']) store.put(stored(key));
  await disk.settled();
  // All of it leaves memory.
  store.memory.reserve(20_000);
  store.memory.release(20_000);
  const reading = [store.find('http://a/1', NONE), store.find('http://a/2', NONE)];
  assert.ok(reading.every((each) => each instanceof Promise));
  store.purge({ url: 'http://a/1' }, undefined, 'purged');
  store.purge({ url: 'http://a/2' }, 5000, 'purged');
  const [purged, softened] = await Promise.all(reading);
  assert.equal([purged, softened?.head.staleSince, store.memory.count], [undefined, 5000, 1]);
  disk.close();
});

test('long keys are bounded by what their index takes, not only by their count', async () => {
  const directory = temporaryDirectory('cache-disk');
  const { store, disk } = await openStore(directory, { indexLimit: 100_000, memory: 1e7 });
  for (let index = 0; index < 50; index++) {
    store.put(stored(`http://a/${index}/${'x'.repeat(14_000)}`));
    await disk.settled();
  }
  assert.ok(disk.count > 0 && disk.count < 8, `${disk.count} of 14 KB each`);
});

test('stray files, and directories that are gone, neither stop the start nor end the writes', async () => {
  const directory = temporaryDirectory('cache-disk');
  writeFileSync(join(directory, 'objects'), 'stray');
  mkdirSync(join(directory, 'purges'));
  const first = await openStore(directory);
  writeFileSync(join(directory, 'objects', 'stray'), 'x');
  writeFileSync(join(directory, 'objects', nameOf(stored('http://a/').head).slice(0, 2)), 'in the way');
  rmSync(join(directory, 'tmp'), { recursive: true });
  first.store.put(stored('http://a/'));
  await first.disk.settled();
  assert.is(first.disk.count, 1);
  const again = await openStore(directory);
  assert.is(await bodyOf(again.store, 'http://a/'), 'body');
  assert.not.ok(existsSync(join(directory, 'objects', 'stray')), 'nor does it take room for ever');
});

test('a torn or changed file is never read, and deleted', async () => {
  for (const damage of [
    (path: string) => truncateSync(path, 70),
    (path: string) => truncateSync(path, 0),
    (path: string) => writeFileSync(path, readFileSync(path).fill(0x41, 100, 101)),
    (path: string) => writeFileSync(path, readFileSync(path).fill(0x41, statSync(path).size - 1)),
  ]) {
    const directory = temporaryDirectory('cache-disk');
    // Nothing stays in memory.
    const { store, disk } = await openStore(directory, { memory: 1000 });
    store.put(stored('http://a/', 'x'.repeat(500)));
    await disk.settled();
    store.memory.reserve(1);
    damage(files(directory)[0]!);
    assert.is(await bodyOf((await openStore(directory)).store, 'http://a/'), undefined);
    await eventually('it is deleted', () => files(directory).length === 0);
  }
  assert.ok(evicted.includes('damaged'));
});

test('what a killed process left half-written is deleted, and what is not ours too', async () => {
  const directory = temporaryDirectory('cache-disk');
  await openStore(directory);
  writeFileSync(join(directory, 'tmp', 'half'), 'half');
  mkdirSync(join(directory, 'objects', 'aa'));
  writeFileSync(join(directory, 'objects', 'aa', 'notes.txt'), 'x');
  const { disk } = await openStore(directory);
  assert.equal([disk.count, readdirSync(join(directory, 'tmp')), files(directory)], [0, [], []]);
});

test('it stays within its limit: what was not used for the longest time goes', async () => {
  const directory = temporaryDirectory('cache-disk');
  // Memory for two.
  const { store, disk } = await openStore(directory, { limit: 10 * 4096, memory: 20_000 });
  const body = 'x'.repeat(3000);
  for (let index = 0; index < 10; index++) {
    store.put(stored(`http://a/${index}`, body));
    await disk.settled();
  }
  assert.is(await bodyOf(store, 'http://a/0'), body);
  for (let index = 10; index < 15; index++) {
    store.put(stored(`http://a/${index}`, body));
    await disk.settled();
  }
  assert.equal([disk.count, disk.bytes, files(directory).length], [10, 40_960, 10]);
  assert.equal([await bodyOf(store, 'http://a/0'), await bodyOf(store, 'http://a/1')], [body, undefined]);
});

test('a disk that cannot be written costs hits, and nothing else', async () => {
  const directory = temporaryDirectory('cache-disk');
  const { store, disk } = await openStore(directory, { memory: 9000 });
  store.put(stored('http://a/kept', 'x'.repeat(6000)));
  await disk.settled();
  renameSync(directory, `${directory}-away`);
  writeFileSync(directory, 'in the way');
  warnings.length = 0;
  store.put(stored('http://a/lost', 'x'.repeat(6000)));
  store.put(stored('http://a/behind', 'x'.repeat(6000)));
  await disk.settled();
  assert.is(warnings.length, 1);
  assert.is(disk.count, 1);
  rmSync(directory);
  renameSync(`${directory}-away`, directory);
  assert.is((await bodyOf(store, 'http://a/kept'))?.length, 6000);
  assert.is(await bodyOf(store, 'http://a/lost'), undefined);
});

test('whatever is stored comes back the same, and no other bytes are taken for it', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'é', '\n', ' ', '"', '\\') });
  fc.assert(
    fc.property(
      text,
      text,
      fc.option(text, { nil: undefined }),
      fc.uint8Array(),
      fc.nat(),
      (key, tag, vary, body, at) => {
        const one = stored(key, Buffer.from(body), vary, [tag]);
        const bytes = Buffer.concat(encode(one));
        const name = `${nameOf(one.head)}-1`;
        const back = decode(bytes, name)!;
        assert.equal([JSON.stringify(back.head), back.body.equals(one.body)], [JSON.stringify(one.head), true]);
        const changed = Buffer.from(bytes);
        const place = at % changed.length;
        changed[place] = changed[place]! ^ 0x20;
        const other = decode(changed, name);
        // Blanks of the first line carry nothing.
        if (other !== undefined) assert.ok(place < 64 && other.body.equals(one.body));
      },
    ),
  );
});

test('a body that leaves memory is told once its write has ended', async () => {
  const { store, disk } = await openStore(temporaryDirectory('disk-left'), { memory: 20_000 });
  const [first, second] = [stored('a', 'a'.repeat(12_000)), stored('b', 'b'.repeat(12_000))];
  store.put(first);
  store.put(second);
  assert.is(first.inMemory, false);
  assert.not(left.includes(first), 'it is still being written');
  await disk.settled();
  assert.ok(left.includes(first));
  assert.is(await bodyOf(store, 'a'), 'a'.repeat(12_000));
  disk.close();
});

test('a body that is read and has no room in memory is told to have left it', async () => {
  const { store, disk } = await openStore(temporaryDirectory('disk-no-room'), { memory: 20_000 });
  const [first, second] = [stored('a', 'a'.repeat(12_000)), stored('b', 'b'.repeat(12_000))];
  store.put(first);
  store.put(second);
  await disk.settled();
  const reading = store.find('a', fieldsOf([])) as Promise<Stored>;
  store.memory.hold(15_000);
  const read = await reading;
  assert.is(read.inMemory, false);
  assert.ok(left.includes(read));
  store.memory.release(15_000);
  disk.close();
});

test.run();

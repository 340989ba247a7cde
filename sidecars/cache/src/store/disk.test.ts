/** The store on a disk: restarts, torn files, its limit, a disk that cannot be written. */
import { mkdirSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
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
const openDisk = (directory: string, limit = 1e9): Promise<DiskStore> =>
  DiskStore.open({
    directory,
    limit,
    maxObject: 1e6,
    log: { info: () => {}, warn: (entry: unknown) => void warnings.push(entry) },
    onEvict: (reason) => evicted.push(reason),
  });
const files = (directory: string): string[] =>
  readdirSync(join(directory, 'objects'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
const bodyOf = async (disk: DiskStore, key: string, vary?: string): Promise<string | undefined> =>
  (await disk.find(key, vary === undefined ? NONE : fieldsOf([['V', vary]])))?.body.toString();

test('what was written is there after a restart, each variant by itself, with what it says', async () => {
  const directory = temporaryDirectory('cache-disk');
  const disk = await openDisk(directory);
  const all = [stored('http://a/'), stored('http://a/', 'one', '1', ['t']), stored('http://a/\nk=2', 'two')];
  for (const each of all) disk.write(each);
  // Also before it is written.
  assert.is(await bodyOf(disk, 'http://a/'), undefined);
  await disk.settled();
  const again = await openDisk(directory);
  assert.equal([again.count, again.bytes], [3, 3 * 4096]);
  assert.equal(
    [await bodyOf(again, 'http://a/'), await bodyOf(again, 'http://a/', '1'), await bodyOf(again, 'http://a/', '9')],
    ['body', 'one', undefined],
  );
  assert.is(JSON.stringify((await again.find('http://a/', NONE))!.head), JSON.stringify(all[0]!.head));
  assert.equal([again.ofTag('t').length, again.ofUrl('http://a/').length], [1, 3]);
});

test('a removed one stays away, a soft one stays soft, after a restart, too', async () => {
  const directory = temporaryDirectory('cache-disk');
  const disk = await openDisk(directory);
  for (const key of ['http://a/1', 'http://a/2', 'http://a/3']) disk.write(stored(key));
  disk.remove(stored('http://a/3'));
  await disk.settled();
  disk.remove(stored('http://a/1'));
  disk.soften(disk.ofUrl('http://a/2')[0]!, 5000);
  await eventually(
    'the file is gone, and the other soft',
    () => files(directory).length === 1 && statSync(files(directory)[0]!).mtimeMs === 5000,
  );
  const again = await openDisk(directory);
  assert.equal([again.count, (await again.find('http://a/2', NONE))!.head.staleSince], [1, 5000]);
});

test('a torn or changed file is never read, and deleted', async () => {
  for (const damage of [
    (path: string) => truncateSync(path, 70),
    (path: string) => truncateSync(path, 0),
    (path: string) => writeFileSync(path, readFileSync(path).fill(0x41, 100, 101)),
    (path: string) => writeFileSync(path, readFileSync(path).fill(0x41, statSync(path).size - 1)),
  ]) {
    const directory = temporaryDirectory('cache-disk');
    const disk = await openDisk(directory);
    disk.write(stored('http://a/'));
    await disk.settled();
    damage(files(directory)[0]!);
    for (const each of [disk, await openDisk(directory)]) assert.is(await bodyOf(each, 'http://a/'), undefined);
    await eventually('it is deleted', () => files(directory).length === 0);
  }
  assert.ok(evicted.includes('damaged'));
});

test('what a killed process left half-written is deleted, and what is not ours too', async () => {
  const directory = temporaryDirectory('cache-disk');
  await openDisk(directory);
  writeFileSync(join(directory, 'tmp', 'half'), 'half');
  mkdirSync(join(directory, 'objects', 'aa'));
  writeFileSync(join(directory, 'objects', 'aa', 'notes.txt'), 'x');
  const disk = await openDisk(directory);
  assert.equal([disk.count, readdirSync(join(directory, 'tmp')), files(directory)], [0, [], []]);
});

test('it stays within its limit: what was not used for the longest time goes', async () => {
  const directory = temporaryDirectory('cache-disk');
  const disk = await openDisk(directory, 10 * 4096);
  for (let index = 0; index < 10; index++) {
    disk.write(stored(`http://a/${index}`));
    await disk.settled();
  }
  await bodyOf(disk, 'http://a/0');
  for (let index = 10; index < 15; index++) disk.write(stored(`http://a/${index}`));
  await disk.settled();
  assert.equal([disk.count, disk.bytes, files(directory).length], [10, 40_960, 10]);
  assert.equal([await bodyOf(disk, 'http://a/0'), await bodyOf(disk, 'http://a/1')], ['body', undefined]);
});

test('a disk that cannot be written costs hits, and nothing else', async () => {
  const directory = temporaryDirectory('cache-disk');
  const disk = await openDisk(directory);
  disk.write(stored('http://a/kept'));
  await disk.settled();
  writeFileSync(join(directory, 'objects', nameOf(stored('http://a/lost').head).slice(0, 2)), 'in the way');
  warnings.length = 0;
  disk.write(stored('http://a/lost'));
  disk.write(stored('http://a/behind'));
  await disk.settled();
  assert.equal([warnings.length, readdirSync(join(directory, 'tmp'))], [1, []]);
  assert.equal([await bodyOf(disk, 'http://a/lost'), await bodyOf(disk, 'http://a/kept')], [undefined, 'body']);
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
        const name = nameOf(one.head);
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

test.run();

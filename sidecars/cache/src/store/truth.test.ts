/**
 * Writers, readers, purges, restarts and kills in any order, by seed: a page that was purged, or overwritten, after it was
 * asked for never comes back. The model is a version number for each page.
 */
import { copyFileSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { parseCacheControl } from '../policy/directives.ts';
import { fieldsOf } from '../policy/testing.ts';
import { DiskStore } from './disk.ts';
import type { PendingResponse } from './purges.ts';
import { Store } from './store.ts';
import { Stored } from './stored.ts';
import type { PurgeSelector } from './purge-selector.ts';

const NONE = fieldsOf([]);
const DIRECTIVES = parseCacheControl(NONE);
const PAGES = Array.from({ length: 3 }, (_, index) => ({ key: `http://h/${index}`, tags: [`t${index % 2}`] }));

async function openStore(directory: string, memory: number): Promise<{ store: Store; disk: DiskStore }> {
  const store = new Store({ memory, maxVariants: 4, onEvict: () => {} });
  const disk = await DiskStore.open(
    {
      directory,
      limit: 1e7,
      indexLimit: 1e7,
      maxObject: 1e6,
      maxWaiting: 20_000,
      log: { info: () => {}, warn: (entry: unknown) => assert.unreachable(JSON.stringify(entry)) },
      onDamaged: () => assert.unreachable('damaged'),
    },
    (opened, entries) => {
      store.attach(opened, entries);
      return store;
    },
  );
  return { store, disk };
}

const filesIn = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));

/** What a process that is killed now leaves on its disk. @returns a directory of its own */
function leftByKill(directory: string): string {
  const left = temporaryDirectory('cache-killed');
  for (const file of filesIn(directory)) {
    const copy = join(left, relative(directory, file));
    mkdirSync(dirname(copy), { recursive: true });
    // What was being deleted may be gone.
    if (existsSync(file))
      try {
        copyFileSync(file, copy);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
  }
  return left;
}

function storedPage(index: number, version: number): Stored {
  const { key, tags } = PAGES[index]!;
  const head = { key, status: 200, lines: '', selecting: [], tags, directives: DIRECTIVES };
  const times = { freshness: { lifetime: 60, source: 'explicit' }, initialAge: 0, responseTime: 0 } as const;
  return new Stored({ ...head, ...times, staleSince: undefined }, Buffer.alloc(900, `${version} `));
}

/** The version of a page that a store has; 0 for none. */
const versionIn = async (store: Store, index: number): Promise<number> =>
  Number.parseInt((await store.find(PAGES[index]!.key, NONE))?.body.toString() ?? '0', 10);

const page = fc.nat(PAGES.length - 1);
const step = fc.oneof(
  fc.record({ do: fc.constant('ask' as const), page }),
  fc.record({ do: fc.constant('answer' as const), page }),
  fc.record({ do: fc.constant('read' as const), page }),
  fc.record({ do: fc.constant('write' as const), page }),
  fc.record({ do: fc.constant('purge' as const), page, by: fc.constantFrom('tag', 'prefix', 'path') }),
  fc.record({ do: fc.constant('wait' as const), page: fc.nat(20) }),
  fc.record({ do: fc.constant('settle' as const), page }),
  fc.record({ do: fc.constant('restart' as const), page }),
  fc.record({ do: fc.constant('kill' as const), page }),
);

test('in any order: no purged or replaced page returns, in memory, from disk, after a restart', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 20, maxLength: 120 }),
      fc.integer({ min: 3000, max: 30_000 }),
      async (steps, memory) => {
        let directory = temporaryDirectory('cache-truth');
        let { store, disk } = await openStore(directory, memory);
        /** What the application has now; what may still be shown at least. */
        const version = PAGES.map(() => 1);
        const least = PAGES.map(() => 1);
        const asked: { page: number; version: number; begun: PendingResponse }[] = [];
        const purge = (which: PurgeSelector, pages: readonly number[]): void => {
          store.purge(which, undefined, 'purged');
          for (const each of pages) least[each] = version[each]!;
        };
        for (const { page: at, ...rest } of steps) {
          const { key, tags } = PAGES[at % PAGES.length]!;
          if (rest.do === 'ask') asked.push({ page: at, version: version[at]!, begun: store.begin() });
          else if (rest.do === 'answer') {
            const one = asked.shift();
            if (one === undefined) continue;
            const { key: url, tags: its } = PAGES[one.page]!;
            if (!store.isPurged(one.begun, { url, tags: its })) store.put(storedPage(one.page, one.version));
            store.end(one.begun);
          } else if (rest.do === 'read') {
            const before = least[at]!;
            const found = await versionIn(store, at);
            assert.ok(found === 0 || found >= before);
          } else if (rest.do === 'write') {
            // The application has changed it, and then the cache hears of that.
            version[at]!++;
            purge({ url: key }, [at]);
          } else if (rest.do === 'purge') {
            const all = PAGES.map((_, index) => index);
            for (const each of all) version[each]!++;
            if (rest.by === 'tag')
              purge(
                { tag: tags[0]! },
                all.filter((index) => PAGES[index]!.tags[0] === tags[0]),
              );
            else if (rest.by === 'prefix') purge({ prefix: 'http://h/' }, all);
            else purge({ path: `/${at}` }, [at]);
          } else if (rest.do === 'wait') for (let round = 0; round < at; round++) await turn();
          else if (rest.do === 'settle') await disk.settled();
          else {
            if (rest.do === 'kill') directory = leftByKill(directory);
            await disk.settled();
            disk.close();
            // What was under way is lost with the process; files that are being deleted may be there still.
            asked.length = 0;
            ({ store, disk } = await openStore(directory, memory));
          }
        }
        await disk.settled();
        disk.close();
        const last = await openStore(directory, 1e6);
        for (const index of PAGES.keys()) {
          const found = await versionIn(last.store, index);
          assert.ok(found === 0 || found >= least[index]!);
        }
        last.disk.close();
      },
    ),
    { numRuns: 250 },
  );
});

interface Writing {
  readonly directory: string;
  readonly disk: DiskStore;
}

/** How far the write of a page has come. */
const STAGES: Record<string, (writing: Writing) => boolean> = {
  'begins to be written': () => true,
  'is being written': ({ directory }) => filesIn(join(directory, 'tmp')).length > 0,
  'has got its name': ({ directory }) => filesIn(join(directory, 'objects')).length > 0,
  'is on the disk': ({ disk }) => disk.count > 0,
};

/** What makes version 1 of page 0 untrue. */
const CHANGES: Record<string, (store: Store) => void> = {
  'a purge by tag': (store) => store.purge({ tag: 't0' }, undefined, 'purged'),
  'a purge by prefix': (store) => store.purge({ prefix: 'http://h/' }, undefined, 'purged'),
  'a POST': (store) => store.purge({ url: PAGES[0]!.key }, undefined, 'invalidated'),
  'a newer response': (store) => store.put(storedPage(0, 2)),
};

for (const [stage, reached] of Object.entries(STAGES))
  for (const [change, make] of Object.entries(CHANGES))
    for (const crowded of [false, true])
      test(`${change}, when a page ${stage}${crowded ? ' and has left memory' : ''}: it never comes back`, async () => {
        const directory = temporaryDirectory('cache-stages');
        const { store, disk } = await openStore(directory, crowded ? 3000 : 30_000);
        store.put(storedPage(0, 1));
        // It makes room for the next one.
        if (crowded) store.put(storedPage(1, 1));
        while (!reached({ directory, disk })) await turn();
        make(store);
        const isTrue = (version: number): boolean => version !== 1;
        const killed = leftByKill(directory);
        assert.ok(isTrue(await versionIn(store, 0)));
        await disk.settled();
        assert.ok(isTrue(await versionIn(store, 0)), 'when all has been written');
        const again = await openStore(directory, 30_000);
        assert.ok(isTrue(await versionIn(again.store, 0)), 'after a restart');
        // What was replaced and not purged may answer again.
        if (change === 'a newer response') return;
        const restarted = await openStore(killed, 30_000);
        assert.ok(isTrue(await versionIn(restarted.store, 0)), 'after a kill at once');
      });

test.run();

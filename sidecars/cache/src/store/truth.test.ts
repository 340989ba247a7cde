/**
 * Writers, readers, purges and restarts in any order, by seed: a page that was purged, or overwritten, after it was
 * asked for never comes back. The model is a version number for each page.
 */
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { temporaryDirectory } from '#kit/testing/temporary.ts';
import { parseCacheControl } from '../policy/directives.ts';
import { fieldsOf } from '../policy/testing.ts';
import { DiskStore } from './disk.ts';
import type { Begun } from './purges.ts';
import { Store } from './store.ts';
import { Stored } from './stored.ts';
import type { Which } from './which.ts';

const NONE = fieldsOf([]);
const DIRECTIVES = parseCacheControl(NONE);
const PAGES = Array.from({ length: 6 }, (_, index) => ({ key: `http://h/${index}`, tags: [`t${index % 2}`] }));

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
);

test('whatever the order: no purged or overwritten page comes back, in memory, from the disk, after a restart', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 60 }),
      fc.integer({ min: 3000, max: 30_000 }),
      async (steps, memory) => {
        const directory = temporaryDirectory('cache-truth');
        let { store, disk } = await openStore(directory, memory);
        /** What the application has now; what may still be shown at least. */
        const version = PAGES.map(() => 1);
        const least = PAGES.map(() => 1);
        const asked: { page: number; version: number; begun: Begun }[] = [];
        const purge = (which: Which, pages: readonly number[]): void => {
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
            const head = { key: url, status: 200, lines: '', selecting: [], tags: its, directives: DIRECTIVES };
            const rest2 = { freshness: { lifetime: 60, source: 'explicit' }, initialAge: 0, responseTime: 0 } as const;
            const body = Buffer.alloc(900, `${one.version} `);
            if (!store.isPurged(one.begun, { url, tags: its }))
              store.put(new Stored({ ...head, ...rest2, staleSince: undefined }, body));
            store.end(one.begun);
          } else if (rest.do === 'read') {
            const before = least[at]!;
            const found = await store.find(key, NONE);
            if (found !== undefined) assert.ok(Number.parseInt(found.body.toString(), 10) >= before);
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
            await disk.settled();
            // What was under way is lost with the process; files that are being deleted may be there still.
            asked.length = 0;
            ({ store, disk } = await openStore(directory, memory));
          }
        }
        await disk.settled();
        const last = await openStore(directory, 1e6);
        for (const [index, { key }] of PAGES.entries()) {
          const found = await last.store.find(key, NONE);
          if (found !== undefined) assert.ok(Number.parseInt(found.body.toString(), 10) >= least[index]!);
        }
      },
    ),
    { numRuns: 150 },
  );
});

test.run();
